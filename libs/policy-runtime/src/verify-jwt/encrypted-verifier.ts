import { compileEncryptedVerifier, type EncryptionRules } from '#libs/jwt-engine';
import type { LinkContext } from '../linking/link-context.ts';
import { linkDecryptionKey } from './decryption-key.ts';
import { decryptionQueueOf } from './decryption-queues.ts';
import type { VerifyRules } from './link-verifier.ts';
import { OVERLOADED, type EncryptedVerifyJwt, type Verify, type VerifyContext } from './verify-context.ts';

function encryptionOf({ algorithms, passwordKey }: EncryptedVerifyJwt): EncryptionRules {
  const { saltLength, pbkdf2Iterations } = passwordKey ?? {};
  return {
    keyAlgorithm: algorithms.key,
    ...(algorithms.content === undefined ? {} : { contentAlgorithm: algorithms.content }),
    ...(saltLength === undefined ? {} : { saltBytes: saltLength }),
    ...(pbkdf2Iterations === undefined ? {} : { iterationCount: pbkdf2Iterations }),
  };
}

/** How a policy opens encrypted tokens; undefined: it names no key. Every token waits for what opens it. */
export function compileEncrypted(
  contract: EncryptedVerifyJwt,
  context: LinkContext,
): ((rules: VerifyRules) => Verify) | undefined {
  const readKey = linkDecryptionKey(contract, context);
  if (readKey === undefined) return undefined;
  const encryption = encryptionOf(contract);
  const key = (_header: unknown, { exchange }: VerifyContext) => readKey(exchange);
  const queue = decryptionQueueOf(encryption.keyAlgorithm);
  return (rules) => {
    const verify = compileEncryptedVerifier<VerifyContext>({ ...rules, encryption, key });
    return queue === undefined ? verify : (...token) => queue.run(() => verify(...token)) ?? OVERLOADED;
  };
}
