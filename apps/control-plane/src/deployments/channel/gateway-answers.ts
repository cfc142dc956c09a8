import { once, EventEmitter } from 'node:events';
import {
  openLease,
  type ChannelKeys,
  type ConfigChannel,
  type LeaseState,
  type LogPosition,
  type Watch,
} from '#libs/config-distribution';

/** What the live gateways of an environment say about one deployment. */
export interface AnswerCount {
  readonly live: number;
  readonly applied: number;
  readonly rejected: number;
  readonly pending: number;
  readonly details: readonly GatewayAnswer[];
}

export interface GatewayAnswer {
  readonly gatewayId: string;
  readonly outcome: 'applied' | 'rejected' | 'pending';
  readonly reason: string | undefined;
  /** Since the deployment was published; undefined while pending. */
  readonly responseTimeMs: number | undefined;
}

export interface Question {
  readonly proxyId: string;
  readonly deployment: number;
  readonly position: LogPosition;
}

/** Looked at this often even when no hint comes: hints can be lost, and leases end without one. */
const LOOK_EVERY_MS = 500;

/** What a gateway says about one deployment. */
export function outcomeOf(lease: LeaseState, question: Question): Pick<GatewayAnswer, 'outcome' | 'reason'> {
  const rejection = lease.rejected.find(({ deployment }) => deployment === question.deployment);
  if (rejection !== undefined) return { outcome: 'rejected', reason: rejection.reason };
  const loadedPast =
    lease.loaded?.epoch === question.position.epoch && lease.loaded.sequence >= question.position.sequence;
  const isLoaded = loadedPast && !lease.unsettled.includes(question.deployment);
  const isApplied = lease.handled.includes(question.deployment) || isLoaded;
  return { outcome: isApplied ? 'applied' : 'pending', reason: undefined };
}

/** Reads gateways' leases and waits for their answers. */
export class GatewayAnswers {
  private readonly hints = new EventEmitter().setMaxListeners(0);
  private watching: Promise<Watch> | undefined;
  private isHurried = false;

  constructor(
    private readonly channel: ConfigChannel,
    private readonly keys: ChannelKeys,
    private readonly onForeignLease: (gatewayId: string) => void,
  ) {}

  /** When gateways were last heard of: milliseconds since the epoch, by id. @throws ChannelUnavailable */
  lastSeenMs(): Promise<ReadonlyMap<string, number>> {
    return this.channel.leaseTimes();
  }

  /** Leases of the gateways that live now; what cannot be opened is reported and left out. */
  async live(): Promise<LeaseState[]> {
    const stored = await this.channel.leases();
    return stored.flatMap((lease) => {
      const state = openLease(this.keys, lease);
      if (state === undefined) this.onForeignLease(lease.gatewayId);
      return state === undefined ? [] : [state];
    });
  }

  /**
   * Waits until every live gateway has answered, at most for a time; gateways that fall silent stop counting.
   *
   * @throws ChannelUnavailable
   */
  async collect(question: Question, timeoutMs: number): Promise<AnswerCount> {
    this.watching ??= this.channel.watch('leases', () => this.hints.emit('hint'));
    const startedMs = performance.now();
    const firstSeenMs = new Map<string, number>();
    for (;;) {
      const elapsedMs = performance.now() - startedMs;
      // Listens before it looks, so that an answer between the two is not missed.
      const hint = this.nextHint(Math.min(LOOK_EVERY_MS, timeoutMs - elapsedMs));
      const details = (await this.live()).map((lease): GatewayAnswer => {
        const answer = outcomeOf(lease, question);
        if (answer.outcome === 'pending') return { gatewayId: lease.gatewayId, responseTimeMs: undefined, ...answer };
        const seenMs = firstSeenMs.get(lease.gatewayId) ?? elapsedMs;
        firstSeenMs.set(lease.gatewayId, seenMs);
        return { gatewayId: lease.gatewayId, responseTimeMs: Math.round(seenMs), ...answer };
      });
      const count = (outcome: GatewayAnswer['outcome']) => details.filter((one) => one.outcome === outcome).length;
      const pending = count('pending');
      if (pending === 0 || elapsedMs >= timeoutMs || this.isHurried) {
        return { live: details.length, applied: count('applied'), rejected: count('rejected'), pending, details };
      }
      await hint;
    }
  }

  /** Nobody is waited for any longer: the process ends, and another one asks again. */
  hurry(): void {
    this.isHurried = true;
    this.hints.emit('hint');
  }

  async close(): Promise<void> {
    await (await this.watching)?.close();
  }

  private async nextHint(withinMs: number): Promise<void> {
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(withinMs)));
    await once(this.hints, 'hint', { signal }).catch(() => undefined);
  }
}
