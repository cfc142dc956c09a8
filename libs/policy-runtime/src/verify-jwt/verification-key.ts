import type { KeyObject } from 'node:crypto';
import { jwksSelectorFrom, publicKeyFrom, refusal, type JwtRefusal, type KeySelector } from '#libs/jwt-engine';
import { CERTIFICATE_PEM, type SignedTokens } from '#libs/policy-contracts';
import type { LinkContext } from '../linking/link-context.ts';
import { linkKeyText, secretText, type KeyText } from './key-text.ts';
import type { SignedVerifyJwt, VerifyContext } from './verify-context.ts';

type VerificationKey = KeyObject | KeySelector<unknown>;

const certificateFrom = (text: string): KeyObject | JwtRefusal =>
  CERTIFICATE_PEM.test(text) ? publicKeyFrom(text) : refusal('KeyParsingFailed');

function keyTextOf({ secretKey, publicKey }: SignedTokens): KeyText<VerificationKey> | undefined {
  if (secretKey !== undefined) return secretText(secretKey, 'utf8');
  const { value, certificate, jwks } = publicKey ?? {};
  if (value !== undefined) return { element: value, parse: publicKeyFrom, whenEmpty: 'InvalidPublicKey' };
  if (certificate !== undefined) return { element: certificate, parse: certificateFrom, whenEmpty: 'InvalidPublicKey' };
  return jwks && { element: jwks, parse: jwksSelectorFrom, whenEmpty: 'InvalidKeyConfiguration' };
}

/** The key of a policy on signed tokens whose text is in the policy or in a variable. undefined: it names no key. */
export function linkVerificationKey(
  contract: SignedVerifyJwt,
  context: LinkContext,
): KeySelector<VerifyContext> | undefined {
  const keyText = keyTextOf(contract);
  if (keyText === undefined) return undefined;
  const read = linkKeyText(keyText, contract.ignoreUnresolvedVariables, context);
  return (header, algorithm, { exchange }) => {
    const key = read(exchange);
    return typeof key === 'function' ? key(header, algorithm, undefined) : key;
  };
}
