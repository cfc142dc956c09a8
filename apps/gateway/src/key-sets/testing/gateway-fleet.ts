import { randomBytes } from 'node:crypto';
import {
  ChannelKeys,
  ChannelUnavailable,
  InMemoryKeySetShelf,
  type KeySetAttempt,
  type KeySetEntry,
  sealKeySetAttempt,
} from '#libs/config-distribution';
import { CapturedLog } from '#libs/program-shell/testing';
import { GatewayMetrics } from '../../metrics/gateway-metrics.ts';
import { KeySetSharingMetrics } from '../../metrics/key-set-sharing-metrics.ts';
import {
  type DownloadedDocument,
  failed,
  type FailedFetch,
  type FetchOutcome,
  type FetchWish,
  type KeySetSource,
} from '../fetched-document.ts';
import { ReadableKeySets } from '../readable-key-sets.ts';
import { SharedDocuments } from '../shared-documents.ts';
import { SharingJournal } from '../sharing-journal.ts';

export const ADDRESS = 'https://idp.test/jwks?tenant=s3cret';
const KEEP_MS = 86_400_000;

/** Lets everything go on that waits for nothing but its turn. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setImmediate(done));
};

/** A fetch that ends when the test says so. */
export interface Asked {
  readonly address: string;
  readonly atMs: number;
  /** Number of the gateway that asks. */
  readonly by: number;
  readonly end: (outcome: DownloadedDocument | FailedFetch) => void;
}

/** A shelf that can be taken away, and that somebody else can write to. */
export class SharedShelf extends InMemoryKeySetShelf {
  isAway = false;
  /** Of every set that was ever asked for. */
  readonly entries = new Map<string, KeySetEntry>();

  override async attempt(entry: KeySetEntry): Promise<string | undefined> {
    this.reach(entry);
    return super.attempt(entry);
  }

  override async document(entry: KeySetEntry): Promise<string | undefined> {
    this.reach(entry);
    return super.document(entry);
  }

  override async replace(entry: KeySetEntry, ...rest: [string | undefined, string, string?]): Promise<boolean> {
    this.reach(entry);
    return super.replace(entry, ...rest);
  }

  /** The set that was asked for first, second, … */
  entry(index = 0): KeySetEntry {
    const found = [...this.entries.values()][index];
    if (found === undefined) throw new Error(`no set ${index} was asked for`);
    return found;
  }

  async held(index = 0): Promise<{ attempt: string | undefined; document: string | undefined }> {
    const entry = this.entry(index);
    return { attempt: await super.attempt(entry), document: await super.document(entry) };
  }

  /** As whoever may write to Redis does. */
  async plant(texts: { attempt?: string | undefined; document?: string | undefined }, index = 0): Promise<void> {
    const { attempt } = await this.held(index);
    await super.replace(this.entry(index), attempt, texts.attempt ?? attempt ?? 'planted', texts.document);
  }

  private reach(entry: KeySetEntry): void {
    this.entries.set(`${entry.origin} ${entry.name}`, entry);
    if (this.isAway) throw new ChannelUnavailable('production', new Error('away'));
  }
}

/** Gateways of one environment, in one process, on a clock that the test drives. */
export class GatewayFleet {
  readonly clock = { ms: 1_000_000_000 };
  readonly shelf: SharedShelf;
  readonly keys = new ChannelKeys('production', randomBytes(32));
  readonly log = new CapturedLog();
  readonly metrics = new GatewayMetrics();
  /** Every fetch from a server, in order. */
  readonly asked: Asked[] = [];
  /** Of these, the ones on their way. */
  readonly pending = new Set<Asked>();
  private readonly sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  private readonly journal = new SharingJournal(
    this.log.logger,
    this.metrics,
    new KeySetSharingMetrics(this.metrics.registry),
  );

  constructor(shelf?: SharedShelf) {
    this.shelf = shelf ?? new SharedShelf(KEEP_MS, () => this.clock.ms);
  }

  /** @param options `aheadMs`: of the fleet's clock */
  gateway(
    by: number,
    options: { aheadMs?: number; allowPrivateHosts?: boolean; keys?: () => ChannelKeys | undefined } = {},
  ): SharedDocuments {
    const { aheadMs = 0, allowPrivateHosts = false, keys = () => this.keys } = options;
    return new SharedDocuments({
      ...{ allowPrivateHosts, keys, shelf: this.shelf, journal: this.journal },
      source: new ReadableKeySets(this.source(by)),
      nowMs: () => this.clock.ms + aheadMs,
      pause: (ms) => this.pause(ms),
      steadyMs: () => this.clock.ms,
    });
  }

  gateways(count: number): readonly SharedDocuments[] {
    return Array.from({ length: count }, (_, by) => this.gateway(by));
  }

  /** As a gateway of the environment writes it for the set that `wish` wishes for. */
  sealedAttempt(result: KeySetAttempt['result']): string {
    const subject = { origin: 'policy', reach: 'any-host public', address: ADDRESS } as const;
    return sealKeySetAttempt(this.keys, subject, { beganAtMs: this.clock.ms, flush: 0, unknownKeyAtMs: null, result });
  }

  wish(wish: Partial<FetchWish> = {}): FetchWish {
    return { address: ADDRESS, redirectsTo: 'any-host', reason: 'missing', newerThanMs: undefined, flush: 0, ...wish };
  }

  /** Ends every fetch that is on its way. */
  async answer(outcome: DownloadedDocument | FailedFetch): Promise<void> {
    await settled();
    if (this.pending.size === 0) throw new Error('nobody fetches anything');
    for (const asked of this.pending) asked.end(outcome);
    await settled();
  }

  /** Time goes by, and those who wait for it wake up in their order. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.clock.ms + ms;
    for (;;) {
      await settled();
      const [first] = [...this.sleepers].sort((one, other) => one.atMs - other.atMs);
      if (first === undefined || first.atMs > untilMs) break;
      this.sleepers.delete(first);
      this.clock.ms = Math.max(this.clock.ms, first.atMs);
      first.wake();
    }
    this.clock.ms = untilMs;
    await settled();
  }

  /** Asks, has the server answer, and gives what came of it. */
  async fetched(
    gateway: SharedDocuments,
    wish: FetchWish,
    served: DownloadedDocument | FailedFetch,
  ): Promise<FetchOutcome> {
    const outcome = gateway.fetch(wish);
    await this.answer(served);
    return outcome;
  }

  async wishes(): Promise<Readonly<Record<string, number>>> {
    const counter = await this.metrics.registry.getSingleMetric('gatewarden_key_set_shared_total')?.get();
    return Object.fromEntries((counter?.values ?? []).map(({ labels, value }) => [String(labels['outcome']), value]));
  }

  private source(by: number): KeySetSource {
    return {
      fetch: (address) =>
        new Promise((resolve) => {
          const asked: Asked = {
            ...{ address, by, atMs: this.clock.ms },
            end: (outcome) => {
              this.pending.delete(asked);
              resolve(outcome);
            },
          };
          this.asked.push(asked);
          this.pending.add(asked);
        }),
    };
  }

  pause(ms: number): Promise<void> {
    return new Promise((wake) => this.sleepers.add({ atMs: this.clock.ms + ms, wake }));
  }
}

export const DOWN = failed('http-status', '503');
