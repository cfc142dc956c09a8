import type { LeaseState } from '#libs/config-distribution';
import type { EnvironmentDeploymentResult } from '../../deployment-requests/deployment-results.ts';
import type { GatewayWarning } from '../../deployment-requests/deployment-rows.ts';
import { appliedWith, keySetWarningsOf } from '../channel/key-set-warnings.ts';

const byGateway = (one: GatewayWarning, other: GatewayWarning): number =>
  one.gatewayId < other.gatewayId ? -1 : Number(one.gatewayId > other.gatewayId);

/**
 * The result of a deployment with what gateways lack now instead of what they lacked when it ended. What was noted of
 * gateways that do not live any more, or do not say what they lack, stays.
 *
 * @param result of the newest deployment of its proxy
 */
export function withPresentWarnings(
  result: EnvironmentDeploymentResult,
  proxyId: string,
  leases: readonly LeaseState[],
): EnvironmentDeploymentResult {
  const { deployment, warnings = [], detailList = [] } = result;
  if (deployment === null) return result;
  const said = new Map<string, readonly GatewayWarning[]>();
  for (const lease of leases) {
    const present = keySetWarningsOf(lease, { proxyId, deployment });
    if (present !== undefined) said.set(lease.gatewayId, present);
  }
  const stayed = warnings.filter(({ gatewayId }) => !said.has(gatewayId));
  return {
    ...result,
    detailList: detailList.map((one) => {
      const present = said.get(one.gatewayId);
      return one.success && present !== undefined ? { ...one, detail: appliedWith(present) } : one;
    }),
    warnings: [...stayed, ...[...said.values()].flat()].sort(byGateway),
  };
}
