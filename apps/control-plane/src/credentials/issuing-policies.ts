import { apiProxyStream, type PolicyAdded } from '../api-proxies/domain/index.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import type { FamilyOwner } from './refresh-families.port.ts';

const ADDED: PolicyAdded['type'] = 'PolicyAdded';
const ISSUES = 'policy-auth-jwt' satisfies PolicyAdded['data']['policy']['type'];

/**
 * Every policy of some proxies that issued tokens at any time: one that is switched off, moved or gone today may be back
 * tomorrow under its name, and its logins with it. However it comes back it was once added, and its type never changes.
 */
export async function issuingPolicies(
  unit: Unit,
  proxyIds: readonly string[],
): Promise<Pick<FamilyOwner, 'proxyId' | 'policy'>[]> {
  const found = await unit.transaction.query<{ proxyId: string; policy: string }>(
    `select distinct data ->> 'proxyId' as "proxyId", data ->> 'name' as policy from events
     where stream_id = any($1) and type = $2 and data #>> '{policy,type}' = $3 order by 1, 2`,
    [proxyIds.map(apiProxyStream), ADDED, ISSUES],
  );
  return found.rows;
}
