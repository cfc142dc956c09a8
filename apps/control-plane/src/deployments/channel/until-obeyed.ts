import { setTimeout as pause } from 'node:timers/promises';
import { ChannelUnavailable } from '#libs/config-distribution';
import type { ChannelUpkeep } from '../../channel-upkeep/channel-upkeep.port.ts';
import { DomainError } from '../../decider/domain-error.ts';
import type { EnvironmentChannels } from './environment-channels.ts';
import type { ObedienceCount } from './obedience-tally.ts';

/** The row that says so is looked at this often: another process may be the one that tells. */
const LOOK_EVERY_MS = 50;

/** By what gateways are told, and asked. */
export interface WayToGateways {
  readonly upkeep: ChannelUpkeep;
  readonly channels: EnvironmentChannels;
  /** For telling and obeying together. */
  readonly timeoutMs: number;
}

export interface RecordedOrder {
  readonly environmentId: string;
  /** What gateways call it in `obeys` of their leases. */
  readonly subject: string;
  /** The number that the environment was told it under; undefined: not yet. */
  readonly told: () => Promise<number | undefined>;
}

export type Obeyed =
  | { readonly kind: 'told'; readonly number: number; readonly count: ObedienceCount }
  /** `why`: a clause. */
  | { readonly kind: 'untold'; readonly why: string };

/**
 * Has something that is recorded told to an environment now, and waits until every gateway that lives obeys, or the time is
 * over. That its Redis cannot be reached, that it is deleted meanwhile, or that the process ends, undoes nothing.
 */
export async function untilObeyed(way: WayToGateways, order: RecordedOrder): Promise<Obeyed> {
  const untilMs = performance.now() + way.timeoutMs;
  try {
    const number = await untilTold(way, order, untilMs);
    if (number === undefined) return { kind: 'untold', why: 'no deployer came to it in time' };
    const { answers } = await way.channels.of(order.environmentId);
    const leftMs = Math.max(0, untilMs - performance.now());
    return { kind: 'told', number, count: await answers.obedience(order.subject, number, leftMs) };
  } catch (error) {
    if (!(error instanceof ChannelUnavailable) && !(error instanceof DomainError)) throw error;
    return { kind: 'untold', why: error.message };
  }
}

/** @throws ChannelUnavailable when the environment's Redis cannot be reached */
async function untilTold(
  { upkeep, channels }: WayToGateways,
  { environmentId, told }: RecordedOrder,
  untilMs: number,
): Promise<number | undefined> {
  let isTried = false;
  void upkeep.soon().then(() => (isTried = true));
  for (;;) {
    const number = await told();
    if (number !== undefined) return number;
    if (performance.now() >= untilMs) return undefined;
    // Whoever tried to tell says nothing: this says why it could not.
    if (isTried) await (await channels.of(environmentId)).answers.live();
    await pause(LOOK_EVERY_MS);
  }
}
