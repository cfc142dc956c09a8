import { ChannelMirror } from '#libs/config-distribution';
import type { Queryable } from '../../persistence/secret-vault.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import type { DriftFinding } from '../drift/drift-finding.ts';
import { EnvironmentComparison } from '../drift/environment-comparison.ts';
import { compareGateways } from '../drift/gateway-comparison.ts';

/**
 * How the log of an environment and its live gateways differ from what is recorded, as they are now; artifacts and
 * identities are not looked at.
 *
 * @throws ChannelUnavailable
 */
export async function presentDrift(
  database: Queryable,
  environment: EnvironmentChannel,
): Promise<readonly DriftFinding[]> {
  const mirror = new ChannelMirror(environment.channel, environment.keys);
  const records = await new EnvironmentComparison(database, environment).records(mirror, () => mirror.load());
  const gateways = await compareGateways(database, environment, mirror, records);
  return [...records.findings, ...gateways.findings];
}

/** What a gateway as a whole does otherwise, in words; undefined: nothing. */
export function driftOfGateway(gatewayId: string, drift: readonly DriftFinding[]): string | undefined {
  const found = drift.find((one) => one.gatewayId === gatewayId && one.subject.kind === 'gateway');
  if (found === undefined) return undefined;
  return found.problem === 'newer'
    ? `it has applied deployment ${found.found}, and ${found.recorded} is the highest that is recorded`
    : 'what it serves differs from what is published, it does not say of which proxy';
}
