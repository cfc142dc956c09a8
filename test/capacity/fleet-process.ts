/** Some of the gateways of an environment, in one process. */
import { ChannelKeys } from '#libs/config-distribution';
import type { FleetMessage, FleetPart } from './fleet-messages.ts';
import { SimulatedGateway } from './simulated-gateway.ts';

/** So many begin at once: each of them reads the whole environment. */
const STARTED_AT_ONCE = 10;

const part = JSON.parse(process.argv[2] ?? '') as FleetPart;
const say = (message: FleetMessage): void => void process.send?.(message);

/** When each gateway had applied the change under way. */
let atNs: string[] = [];
let isReady = false;

const onApplied = (): void => {
  if (!isReady) return;
  atNs.push(String(process.hrtime.bigint()));
  if (atNs.length < part.gateways) return;
  say({ kind: 'applied', atNs });
  atNs = [];
};

const keys = new ChannelKeys(part.environment, Buffer.from(part.rootKey, 'base64url'));
const gateways = Array.from({ length: part.gateways }, (_, index) => {
  const { redisUrl, environment } = part;
  return new SimulatedGateway({ redisUrl, environment, id: `gateway-${part.first + index}` }, keys, onApplied);
});
for (let at = 0; at < gateways.length; at += STARTED_AT_ONCE) {
  const some = gateways.slice(at, at + STARTED_AT_ONCE);
  await Promise.all(some.map((gateway, index) => gateway.start(((at + index) * 1_000) / gateways.length)));
}
isReady = true;
say({ kind: 'ready', residentBytes: process.memoryUsage().rss });
// Whoever started it is gone, or has seen enough.
process.once('disconnect', () => process.exit());
