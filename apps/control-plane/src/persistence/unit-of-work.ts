import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import {
  EVENT_STORE,
  StreamVersionConflict,
  type DomainEvent,
  type EventMetadata,
  type EventSession,
  type EventStore,
  type PostgresTransaction,
  type RecordedEvent,
  type StreamRange,
  type StreamReader,
  type Transacted,
} from '#libs/event-store';
import { foldOnto, type Decider } from '../decider/decider.ts';
import { loadAndKeepState, loadState, type LoadedState } from '../decider/stream-states.ts';
import { CONTROL_PLANE_NAME } from '../decider/actors.ts';
import { conflict } from '../decider/domain-error.ts';
import { DATABASE } from '../injection-tokens.ts';
import { claimOnce, type IdempotencyClaim } from './idempotency-claims.ts';
import { NameRegistry } from './name-registry.ts';
import { Turnstile } from '../turns/turnstile.ts';

/** Who asks, through which request, why. */
export interface RequestContext {
  /** Name of the token that was used. */
  readonly actor: string;
  readonly requestId: string;
  readonly reason?: string;
  readonly idempotency?: IdempotencyClaim;
  /** `If-Match`: the revision that is to be changed. */
  readonly expectedRevision?: number;
  /** Whether the asker may deploy in the project of the call. */
  readonly mayDeploy: boolean;
  /** The same for all copies of one request's context: whether any change of it is recorded. */
  readonly progress?: { isRecorded: boolean };
}

/** What the control plane does by itself. */
export const ownContext = (requestId: string): RequestContext => ({
  ...{ actor: CONTROL_PLANE_NAME, requestId },
  mayDeploy: true,
});

const HOLD = { name: 'stream_hold_1', text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))' };

/** One change: everything done through it is recorded together or not at all. */
export class Unit {
  readonly names: NameRegistry;

  constructor(
    private readonly session: EventSession<PostgresTransaction>,
    readonly context: RequestContext,
    /** ISO 8601: the one moment at which all of this change happens; undefined when nothing is to be changed. */
    private readonly changedAt: string | undefined,
  ) {
    this.names = new NameRegistry(session.transaction);
  }

  get transaction(): PostgresTransaction {
    return this.session.transaction;
  }

  /** ISO 8601: the one moment at which all of this change happens. */
  get now(): string {
    if (this.changedAt === undefined) throw new Error('this unit only reads');
    return this.changedAt;
  }

  /** For what is read of history beside the states of aggregates. */
  get streams(): StreamReader {
    return this.session;
  }

  /**
   * An aggregate's state. Within a change it is held from here to the end, so that two changes of one aggregate come one
   * after the other, each deciding on what the other left; and what it came to is kept for those who load it later.
   */
  async load<State, Command, Event extends DomainEvent>(
    decider: Decider<State, Command, Event>,
    streamId: string,
  ): Promise<LoadedState<State>> {
    if (this.changedAt === undefined) return loadState(this.session, decider, streamId);
    // Sent together, carried out one after the other: the stream is read once it is held.
    const held = this.transaction.ask(HOLD, [streamId]);
    const [loaded] = await Promise.all([loadAndKeepState(this.session, decider, streamId), held]);
    return loaded;
  }

  /** The state as it is, or was at a version; nobody is kept from changing it. */
  async peek<State, Command, Event extends DomainEvent>(
    decider: Decider<State, Command, Event>,
    streamId: string,
    atVersion?: number,
  ): Promise<State> {
    return (await loadState(this.session, decider, streamId, atVersion)).state;
  }

  events(streamId: string, range?: StreamRange): Promise<readonly RecordedEvent[]> {
    return this.session.readStream(streamId, range);
  }

  /** Appends after a known version, or after whatever is there. */
  async append(streamId: string, expectedVersion: number | 'any', events: readonly DomainEvent[]): Promise<void> {
    await this.session.append(
      { streamId, expectedVersion, events },
      { recordedAt: this.now, metadata: metadataOf(this.context) },
    );
  }

  /** Load, decide, append: the usual change of one aggregate. Gives the state after it. */
  async change<State, Command, Event extends DomainEvent>(
    decider: Decider<State, Command, Event>,
    streamId: string,
    command: Command,
  ): Promise<State> {
    return this.changeWith(decider, { streamId, command }, (state) => Promise.resolve(state));
  }

  /**
   * The same, and what follows from the state after it: its statements are sent behind the appended events without
   * waiting for them. Both are there when this fulfils; where one fails, neither is recorded.
   */
  async changeWith<State, Command, Event extends DomainEvent, Followed>(
    decider: Decider<State, Command, Event>,
    { streamId, command }: { readonly streamId: string; readonly command: Command },
    follow: (state: State) => Promise<Followed>,
  ): Promise<Followed> {
    const { state, version } = await this.load(decider, streamId);
    const events = decider.decide(command, state);
    const after = foldOnto(decider, state, events);
    const [, followed] = await Promise.all([this.append(streamId, version, events), follow(after)]);
    return followed;
  }
}

/** What every event says of the request that it came from. */
const metadataOf = ({ actor, requestId, reason, idempotency }: RequestContext): EventMetadata => ({
  actor,
  requestId,
  ...(reason === undefined ? {} : { reason }),
  ...(idempotency === undefined ? {} : { idempotencyKey: idempotency.key }),
});

/**
 * Transactions wait for each other, in a connection each. The other connections are left to those who only ask, whoever
 * authenticates for one, and to what a transaction asks outside of itself, which it would otherwise wait for in vain.
 */
const SHARE_OF_CONNECTIONS = 0.6;
/** What `pg` makes of a pool that does not say. */
const USUAL_CONNECTIONS = 10;

/** Changes wait for each other; should one lose all the same, it is decided again on what the other one left. */
const ATTEMPTS = 8;

@Injectable()
export class UnitOfWork {
  private readonly turnstile: Turnstile;

  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore<PostgresTransaction>,
    @Inject(DATABASE) database: pg.Pool,
  ) {
    const connections = database.options.max ?? USUAL_CONNECTIONS;
    this.turnstile = new Turnstile(Math.max(1, Math.floor(connections * SHARE_OF_CONNECTIONS)));
  }

  /**
   * Runs a change in one transaction. Never within another one, or a reading.
   *
   * @throws DomainError what the change itself throws, or CONFLICT when it lost too often
   * @throws AlreadyClaimed when another request with the same `Idempotency-Key` came first; nothing was recorded here
   * @throws EventStoreUnavailable nothing was recorded
   */
  async run<Value>(context: RequestContext, work: (unit: Unit) => Promise<Value>): Promise<Value> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const now = new Date().toISOString();
        const { value, position } = await this.transact(async (session) => {
          const { idempotency } = context;
          // First of all, so that a twin waits before it looks at anything this change is about to alter.
          if (idempotency !== undefined) await claimOnce(session.transaction, { ...context, idempotency });
          return work(new Unit(session, context, now));
        });
        if (position === undefined) return value;
        if (context.progress !== undefined) context.progress.isRecorded = true;
        return value;
      } catch (error) {
        if (!(error instanceof StreamVersionConflict)) throw error;
        if (attempt === ATTEMPTS) throw conflict('somebody else is changing this at the same time; try again');
      }
    }
  }

  /** Reads in one transaction, as a change would see it; records nothing. */
  async read<Value>(work: (unit: Unit) => Promise<Value>): Promise<Value> {
    const context = { actor: '', requestId: '', mayDeploy: false };
    return (await this.transact((session) => work(new Unit(session, context, undefined)))).value;
  }

  private transact<Value>(
    work: (session: EventSession<PostgresTransaction>) => Promise<Value>,
  ): Promise<Transacted<Value>> {
    return this.turnstile.pass(() => this.store.transact(work));
  }
}
