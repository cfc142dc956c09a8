import type { ChangeRecord } from '#libs/config-distribution';
import { parseProxyArtifact, type ProxyArtifact, type ValidationFault } from '#libs/policy-contracts';
import { linkProxy, type LinkedProxy, type LinkFault, type LinkOptions } from '#libs/policy-runtime';
import { claimsOf, UnroutablePath, type RouteClaim } from '../router/route-claim.ts';

export interface LinkRules {
  readonly environment: string;
  readonly rootContext: string;
  readonly options: LinkOptions;
}

export type LinkedArtifact =
  | { readonly ok: true; readonly linked: LinkedProxy; readonly claims: readonly RouteClaim[] }
  | { readonly ok: false; readonly reason: string };

const FAULTS_NAMED = 5;

/** Names what is wrong by policy and field; faults never carry values. */
function reasonOf(faults: readonly (LinkFault | ValidationFault)[]): string {
  const texts = faults.slice(0, FAULTS_NAMED).map((fault) => {
    const owner = 'policy' in fault && fault.policy !== '' ? `policy ${fault.policy}, ` : '';
    return `${owner}${fault.field}: ${fault.message}`;
  });
  const more = faults.length > FAULTS_NAMED ? [`and ${faults.length - FAULTS_NAMED} more`] : [];
  return [...texts, ...more].join('; ');
}

function readArtifact(text: string): ReturnType<typeof parseProxyArtifact> {
  try {
    return parseProxyArtifact(JSON.parse(text));
  } catch {
    return { ok: false, faults: [{ field: 'artifact', code: 'wrong_type', message: 'must be JSON' }] };
  }
}

function mismatch(artifact: ProxyArtifact, change: ChangeRecord, rules: LinkRules): string | undefined {
  if (artifact.environment.name !== rules.environment) return 'the artifact is of another environment';
  if (artifact.proxyId !== change.proxyId) return 'the artifact is of another proxy';
  return undefined;
}

/** Undefined when a base path could match no request. */
function routableClaims(linked: LinkedProxy, rootContext: string): readonly RouteClaim[] | undefined {
  try {
    return claimsOf(linked, rootContext);
  } catch (error) {
    if (error instanceof UnroutablePath) return undefined;
    throw error;
  }
}

/** Turns an artifact's text into closures, or says why it cannot run here. Never throws on bad content. */
export function linkArtifact(change: ChangeRecord, text: string, rules: LinkRules): LinkedArtifact {
  const parsed = readArtifact(text);
  if (!parsed.ok) return { ok: false, reason: reasonOf(parsed.faults) };
  const foreign = mismatch(parsed.value, change, rules);
  if (foreign !== undefined) return { ok: false, reason: foreign };
  const outcome = linkProxy(parsed.value, rules.options);
  if (!outcome.ok) return { ok: false, reason: reasonOf(outcome.faults) };
  const claims = routableClaims(outcome.proxy, rules.rootContext);
  if (claims !== undefined) return { ok: true, linked: outcome.proxy, claims };
  return { ok: false, reason: 'artifact.route.paths: is not a path that a request can have' };
}
