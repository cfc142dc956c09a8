import type { RawVerifyJwt } from './verify-jwt-schema.ts';
import { isFromCaller } from './verify-jwt-caller-variables.ts';
import { textOrRef } from './verify-jwt-elements.ts';
import type { VerifyJwtFindings } from './verify-jwt-findings.ts';
import { KEY_ELEMENTS } from './verify-jwt-key-elements.ts';

/** Where a key set is fetched from: the address itself, or the variable that holds it. */
export type JwksAddress = { readonly uri: string } | { readonly uriRef: string };

const JWKS = { kind: 'element', name: 'JWKS' } as const;
const FIELD = 'publicKey.jwks';

const NO_TEMPLATE = 'uri is an address as it stands, without {variables}; an address from a variable goes into uriRef.';
const CALLER_CHOOSES = 'The caller would choose the keys; list the hosts that it may choose from in allowedJwksHosts.';
const NO_ADDRESS = 'uri must be an absolute http or https address without credentials.';

function addressFault(uri: string): string | undefined {
  if (/[{}]/.test(uri)) return NO_TEMPLATE;
  // The parser would drop line breaks and tabs.
  if (/\s/.test(uri) || !URL.canParse(uri)) return NO_ADDRESS;
  const { protocol, hostname, username, password } = new URL(uri);
  const isOfWeb = (protocol === 'https:' || protocol === 'http:') && /^https?:\/\//i.test(uri) && hostname !== '';
  return isOfWeb && username === '' && password === '' ? undefined : NO_ADDRESS;
}

function checkUri(uri: string, findings: VerifyJwtFindings): void {
  if (uri === '') {
    findings.refuse('EmptyElementForKeyConfiguration', `${FIELD}.uri`, JWKS);
    return;
  }
  const fault = addressFault(uri);
  if (fault !== undefined) findings.refuse('InvalidKeyConfiguration', `${FIELD}.uri`, JWKS, fault);
  else if (new URL(uri).protocol === 'http:') {
    findings.warn(`${FIELD}.uri`, 'is not https: gateways fetch it only with JWKS_ALLOW_PRIVATE_HOSTS=true');
  }
}

function checkUriRef(uriRef: string, allowedHosts: readonly string[], findings: VerifyJwtFindings): void {
  if (uriRef === '') findings.refuse('EmptyElementForKeyConfiguration', `${FIELD}.uriRef`, JWKS);
  else if (isFromCaller(uriRef) && allowedHosts.length === 0) {
    findings.refuse('InsecureKeySource', `${FIELD}.uriRef`, KEY_ELEMENTS.publicKey, CALLER_CHOOSES);
  }
}

/** Reads `uri` and `uriRef`, of which one may be there and nothing beside it; undefined: the set is no address. */
export function jwksAddressOf(
  raw: NonNullable<RawVerifyJwt['publicKey']>['jwks'],
  allowedHosts: readonly string[],
  findings: VerifyJwtFindings,
): JwksAddress | undefined {
  const uri = raw?.uri?.trim();
  const uriRef = raw?.uriRef?.trim();
  const ways = [uri, uriRef, textOrRef(raw)].filter((way) => way !== undefined);
  if (ways.length > 1) {
    findings.refuse('InvalidKeyConfiguration', FIELD, JWKS, 'Text or ref, uri, uriRef: one of the three.');
  }
  if (uri !== undefined) checkUri(uri, findings);
  if (uriRef !== undefined) checkUriRef(uriRef, allowedHosts, findings);
  if (uri !== undefined) return { uri };
  return uriRef === undefined ? undefined : { uriRef };
}
