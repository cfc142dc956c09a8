import type { KeyObject } from 'node:crypto';
import {
  jwksSelectorFrom,
  publicKeyFrom,
  refusal,
  secretKeyFrom,
  type JwtRefusal,
  type KeyFaultCode,
  type KeySelector,
} from '#libs/jwt-engine';
import { CERTIFICATE_PEM, type SignedTokens, type TextOrRef } from '#libs/policy-contracts';
import { bindText, type BoundText } from '../linking/bound-text.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { rememberRecent } from '../linking/recent-results.ts';
import type { SignedVerifyJwt, VerifyContext } from './verify-context.ts';

/** How many different key texts of one policy are kept parsed, when a variable holds the key. */
const KEPT_KEYS = 16;

type Key = KeyObject | KeySelector<unknown> | JwtRefusal;
interface KeyKind {
  readonly element: TextOrRef;
  readonly parse: (text: string) => Key;
  /** What an empty key is refused with. */
  readonly whenEmpty: KeyFaultCode;
}

const certificateFrom = (text: string): Key =>
  CERTIFICATE_PEM.test(text) ? publicKeyFrom(text) : refusal('KeyParsingFailed');

function keyKindOf({ secretKey, publicKey }: SignedTokens): KeyKind | undefined {
  if (secretKey !== undefined) {
    const parse = (text: string): Key => secretKeyFrom(text, secretKey.encoding ?? 'utf8');
    return { element: { ref: secretKey.ref }, parse, whenEmpty: 'InvalidSecretKey' };
  }
  const { value, certificate, jwks } = publicKey ?? {};
  if (value !== undefined) return { element: value, parse: publicKeyFrom, whenEmpty: 'InvalidPublicKey' };
  if (certificate !== undefined) return { element: certificate, parse: certificateFrom, whenEmpty: 'InvalidPublicKey' };
  return jwks && { element: jwks, parse: jwksSelectorFrom, whenEmpty: 'InvalidKeyConfiguration' };
}

function keyReader({ parse, whenEmpty }: KeyKind, text: BoundText, ignoresUnresolved: boolean) {
  const empty = refusal(whenEmpty);
  const parsed = (keyText: string): Key => (keyText.trim() === '' ? empty : parse(keyText));
  if (text.kind === 'constant') {
    const key = parsed(text.text);
    return () => key;
  }
  const keyOf = rememberRecent(KEPT_KEYS, parsed);
  const unresolved = ignoresUnresolved ? empty : refusal('UnresolvedReference', { reference: text.reference });
  return ({ exchange }: VerifyContext): Key => {
    const keyText = text.read(exchange);
    return keyText === undefined ? unresolved : keyOf(keyText);
  };
}

/**
 * The policy's key: literals and environment variables are parsed now, other variables once per text. A broken key
 * behind a `ref` is that fault at run time (contract 4.1), so it is no link fault. undefined: the policy names no key.
 */
export function linkVerificationKey(
  contract: SignedVerifyJwt,
  { artifact }: LinkContext,
): KeySelector<VerifyContext> | undefined {
  const kind = keyKindOf(contract);
  if (kind === undefined) return undefined;
  const read = keyReader(kind, bindText(kind.element, artifact), contract.ignoreUnresolvedVariables);
  return (header, algorithm, context) => {
    const key = read(context);
    return typeof key === 'function' ? key(header, algorithm, context) : key;
  };
}
