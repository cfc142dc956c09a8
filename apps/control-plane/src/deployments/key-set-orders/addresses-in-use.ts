import { proxyAtRevision, type ApiProxyState } from '../../api-proxies/domain/index.ts';
import { deployedIn } from '../../deployment-requests/environment-deployments.ts';
import { keySetAddress } from '../../environments/domain/key-set-address.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';

/** Each proxy is read by itself, and somebody waits for it who may be in a hurry. */
const PROXIES_READ = 500;

function names(proxy: ApiProxyState, address: string): boolean {
  if (proxy.status !== 'active') return false;
  return proxy.policies.some(({ policy }) => {
    if (policy.type !== 'policy-verify-jwt' || policy.jwtType !== 'Signed') return false;
    const uri = policy.publicKey?.jwks?.uri;
    return uri !== undefined && keySetAddress(uri) === address;
  });
}

/**
 * Whether a policy that is deployed in an environment names an address of a key set; undefined: there are too many proxies
 * to look. What a variable holds is not looked at.
 */
export async function isAddressInUse(unit: Unit, environmentId: string, address: string): Promise<boolean | undefined> {
  const deployed = await deployedIn(unit, environmentId);
  if (deployed.length > PROXIES_READ) return undefined;
  for (const { proxyId, revision } of deployed) {
    if (names(await proxyAtRevision(unit.streams, proxyId, revision), address)) return true;
  }
  return false;
}
