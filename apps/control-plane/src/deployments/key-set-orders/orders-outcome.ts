import type { OrderedEnvironment, OrdersResult } from '../../environments/key-sets/key-set-orders.port.ts';
import type { GatewayObedience, ObedienceCount } from '../channel/obedience-tally.ts';

const NO_GATEWAYS = { live: 0, obeying: 0, pending: 0 };
const GOES_ON = 'the order is recorded and reaches the gateways by itself';

function messageOf({ live, obeying, pending, details }: ObedienceCount): string {
  if (live === 0) return 'No gateway of the environment is running: it is obeyed at start';
  if (pending === 0) return live === 1 ? 'The only live gateway obeys it' : `All ${live} live gateways obey it`;
  const silent = details.filter(({ obeys }) => obeys === null).length;
  const ofEarlierBuilds =
    silent === 0
      ? ''
      : `; ${silent} of an earlier build will not until ${silent === 1 ? 'it is' : 'they are'} replaced`;
  return `${obeying} of ${live} live gateways obey it; ${GOES_ON}${ofEarlierBuilds}`;
}

function detailOf({ obeys, isObeying }: GatewayObedience): string {
  if (isObeying) return 'obeys it';
  if (obeys !== null) return `does not obey it yet, only what was ordered up to version ${obeys}`;
  return 'does not say what it obeys: gateways of earlier builds obey no orders';
}

/** What the leases of the gateways make of orders that the environment was told. */
export function outcomeOfObedience(
  { environmentName }: OrderedEnvironment,
  version: number,
  count: ObedienceCount,
): OrdersResult {
  const { live, obeying, pending, details } = count;
  return {
    ...{ environmentName, version, success: pending === 0, message: messageOf(count) },
    gateways: { live, obeying, pending },
    detailList: details.map((one) => ({
      ...{ gatewayId: one.gatewayId, success: one.isObeying, detail: detailOf(one) },
    })),
  };
}

/** The environment could not be told. @param why a clause */
export const outcomeUntold = ({ environmentName }: OrderedEnvironment, version: number, why: string): OrdersResult => ({
  ...{ environmentName, version, success: false, message: `Not told yet: ${why}; ${GOES_ON}` },
  ...{ gateways: NO_GATEWAYS, detailList: [] },
});
