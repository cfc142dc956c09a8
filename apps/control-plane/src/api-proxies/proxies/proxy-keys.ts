import { createSecretVerifier } from '#libs/policy-contracts';
import { tokensEndAtMs } from '../../channel-upkeep/token-lives.ts';
import { revokeTokensEverywhere, tokensOfClient } from '../../channel-upkeep/token-revocations.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import type { ActiveApiProxy, ProxyKeys } from '../domain/index.ts';

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

/**
 * Ends every access token that a proxy's key pair was given, in any environment.
 *
 * @param isShown whether `tokenLivesProjection` was up to date before the change began
 */
export async function endTokensOfKeys(
  unit: Unit,
  { projectId, keys }: Pick<ActiveApiProxy, 'projectId' | 'keys'>,
  isShown: boolean,
): Promise<void> {
  const endsAtMs = await tokensEndAtMs(unit.transaction, { isShown, projectId, now: unit.now });
  await revokeTokensEverywhere(unit, projectId, [tokensOfClient(keys.publicKey, { now: unit.now, endsAtMs })]);
}
