import { createSecretKey, type KeyObject } from 'node:crypto';
import { privateKeyFrom, refusal } from '#libs/jwt-engine';
import type { PrivateKeyElement } from '#libs/policy-contracts';
import { bindText } from '../linking/bound-text.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { rememberRecent } from '../linking/recent-results.ts';
import { linkKeyText, secretText, type KeyReader, type KeyText } from './key-text.ts';
import type { EncryptedVerifyJwt } from './verify-context.ts';

/** How many different passwords of one private key are remembered, when a variable holds the password. */
const KEPT_PASSWORDS = 4;

/** A PEM, and the password that opens it if the policy names one. Opening is slow on purpose, so it is done once. */
function linkPrivateKey(
  { ref, passwordRef }: PrivateKeyElement,
  ignoresUnresolved: boolean,
  context: LinkContext,
): KeyReader<KeyObject> {
  const openedWith = (password: string | undefined): KeyReader<KeyObject> =>
    linkKeyText(
      { element: { ref }, parse: (pem) => privateKeyFrom(pem, password), whenEmpty: 'InvalidPrivateKey' },
      ignoresUnresolved,
      context,
    );
  if (passwordRef === undefined) return openedWith(undefined);
  const password = bindText({ ref: passwordRef }, context.artifact);
  if (password.kind === 'constant') return openedWith(password.text);
  const readerOf = rememberRecent(KEPT_PASSWORDS, openedWith);
  const unresolved = refusal('UnresolvedReference', { reference: passwordRef });
  return (exchange) => {
    const text = password.read(exchange) ?? (ignoresUnresolved ? '' : undefined);
    return text === undefined ? unresolved : readerOf(text)(exchange);
  };
}

/** Its UTF-8 octets are the password (RFC 7518 section 4.8). */
const passwordFrom = (text: string): KeyObject => createSecretKey(text, 'utf8');

function keyTextOf({ secretKey, passwordKey, directKey }: EncryptedVerifyJwt): KeyText<KeyObject> | undefined {
  if (secretKey !== undefined) return secretText(secretKey, 'utf8');
  // `verify-jwt.md` 3.4.
  if (directKey !== undefined) return secretText(directKey, 'base64');
  return (
    passwordKey && { element: { ref: passwordKey.ref }, parse: passwordFrom, whenEmpty: 'InvalidPasswordKey' as const }
  );
}

/** The key that opens the tokens of a policy on encrypted ones. undefined: the policy names none. */
export function linkDecryptionKey(
  contract: EncryptedVerifyJwt,
  context: LinkContext,
): KeyReader<KeyObject> | undefined {
  const ignoresUnresolved = contract.ignoreUnresolvedVariables;
  if (contract.privateKey !== undefined) return linkPrivateKey(contract.privateKey, ignoresUnresolved, context);
  const keyText = keyTextOf(contract);
  return keyText && linkKeyText(keyText, ignoresUnresolved, context);
}
