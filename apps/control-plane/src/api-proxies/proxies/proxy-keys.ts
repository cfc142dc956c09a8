import { createSecretVerifier } from '#libs/policy-contracts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import type { ProxyKeys } from '../domain/index.ts';

/** The verifier is kept, not the secret; it is recognised by the secret's own fingerprint. */
export async function keepKeys(
  vault: SecretVault,
  unit: Unit,
  publicKey: string,
  secretKey: string,
): Promise<ProxyKeys> {
  const verifier = createSecretVerifier(secretKey);
  return { publicKey, secretKey: await vault.put(unit.transaction, 'proxy-key', verifier, secretKey) };
}
