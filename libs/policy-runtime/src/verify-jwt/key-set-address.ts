import { refusal, type JwtRefusal } from '#libs/jwt-engine';
import type { JwksElement, TextOrRef } from '#libs/policy-contracts';
import { bindText } from '../linking/bound-text.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { linkKeyText, type KeyReader } from './key-text.ts';
import type { SignedVerifyJwt } from './verify-context.ts';

const UNUSABLE = refusal('InvalidKeyConfiguration');

/** One spelling per address. Undefined hosts: any. */
function addressFrom(text: string, hosts: readonly string[] | undefined): string | JwtRefusal {
  const trimmed = text.trim();
  if (!URL.canParse(trimmed)) return UNUSABLE;
  const url = new URL(trimmed);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return UNUSABLE;
  // Nothing is fetched with credentials, and a name before the @ passes for a host with whoever reads the policy.
  if (url.username !== '' || url.password !== '') return UNUSABLE;
  if (hosts !== undefined && !hosts.includes(url.hostname)) return UNUSABLE;
  url.hash = '';
  return url.href;
}

/** `allowedJwksHosts` binds what a variable says; an address in the policy itself needs no leave. */
function addressSource({ uri, uriRef }: JwksElement, allowedHosts: readonly string[] | undefined) {
  if (uri !== undefined) return { element: { value: uri } satisfies TextOrRef, hosts: undefined };
  return uriRef === undefined ? undefined : { element: { ref: uriRef } satisfies TextOrRef, hosts: allowedHosts };
}

/**
 * Where a policy's key set is fetched from; undefined: its keys have no address. An address that is known now is named
 * ({@link LinkedProxy.keySetAddresses}). Whether it may be contacted at all is up to whoever fetches.
 */
export function linkKeySetAddress(contract: SignedVerifyJwt, context: LinkContext): KeyReader<string> | undefined {
  const source = addressSource(contract.publicKey?.jwks ?? {}, contract.allowedJwksHosts);
  if (source === undefined) return undefined;
  const { element, hosts } = source;
  const parse = (text: string): string | JwtRefusal => addressFrom(text, hosts);
  const bound = bindText(element, context.artifact);
  const known = bound.kind === 'constant' ? parse(bound.text) : undefined;
  if (typeof known === 'string') context.nameKeySet(known);
  return linkKeyText(
    { element, parse, whenEmpty: 'InvalidKeyConfiguration' },
    contract.ignoreUnresolvedVariables,
    context,
  );
}
