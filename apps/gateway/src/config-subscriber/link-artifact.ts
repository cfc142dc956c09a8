import type { ChangeRecord } from '#libs/config-distribution';
import { parseProxyArtifact, type ProxyArtifact, type ValidationFault } from '#libs/policy-contracts';
import { linkProxy, type LinkedProxy, type LinkFault, type LinkOptions } from '#libs/policy-runtime';
import { compileRouter, UnroutablePath } from '../router/router.ts';

export interface LinkRules {
  readonly environment: string;
  readonly rootContext: string;
  readonly options: LinkOptions;
}

export type LinkedArtifact =
  { readonly ok: true; readonly linked: LinkedProxy } | { readonly ok: false; readonly reason: string };

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

/** A base path that could match no request would stop the routes of all proxies from being built. */
function routeFault(linked: LinkedProxy, rootContext: string): string | undefined {
  try {
    compileRouter([linked], rootContext);
    return undefined;
  } catch (error) {
    if (error instanceof UnroutablePath) return 'artifact.route.paths: is not a path that a request can have';
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
  const unroutable = routeFault(outcome.proxy, rules.rootContext);
  return unroutable === undefined ? { ok: true, linked: outcome.proxy } : { ok: false, reason: unroutable };
}
