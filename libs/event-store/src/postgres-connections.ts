import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { EventStoreUnavailable, TransactionAborted } from './event-store-errors.ts';
import { isConnectionFailure, isReadOnlyServer, isTimeout } from './connection-failure.ts';
import { type BegunConnection, type LastAppend } from './postgres-session.ts';

/** How many connections may fall silent before the database counts as unreachable. */
const SILENT_CONNECTIONS = 3;
/** What `pg` makes of a pool that does not say. */
const USUAL_CONNECTIONS = 10;
/** A server that takes no changes is left so often at most: for as long as there is no other one, whoever reads needs it. */
const LEAVE_EVERY_MS = 1_000;
/** Pauses before asking again what became of a COMMIT whose answer was lost, in milliseconds. */
const SETTLE_PAUSES_MS = [0, 100, 200, 400, 800];

/** `event_store.transaction` tells `event_store_append` that it runs in a transaction. */
const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL event_store.transaction = 'open'";
const OPEN_EPOCH = 'BEGIN ISOLATION LEVEL READ COMMITTED; SELECT event_store_open_epoch(); COMMIT';

const ignore = (): void => undefined;

/** Connections of a pool that are known to be alive and whose epoch was looked at; errors told apart. */
export class PostgresConnections {
  private readonly ready = new WeakSet<pg.PoolClient>();
  /** How often the server had been left when a connection was made; those that were there before this object: never. */
  private readonly madeAfter = new WeakMap<pg.PoolClient, number>();
  private timesLeft = 0;
  private leftAtMs = -Infinity;

  constructor(private readonly pool: pg.Pool) {
    // Without a listener, an idle connection that the server closes would end the process; the pool drops it by itself.
    pool.on('error', ignore);
    pool.on('connect', (client) => void this.madeAfter.set(client, this.timesLeft));
    // Also what others have of the pool, and had while the server was left. The pool takes back nothing that is ending.
    pool.on('release', (_error, client) => {
      if (this.isOfEarlierServer(client)) client.end().catch(ignore);
    });
  }

  /** One statement that changes nothing; sent again when a pooled connection turns out dead. */
  async read<Row extends pg.QueryResultRow>(statement: string | pg.QueryConfig, values: unknown[]): Promise<Row[]> {
    const { client, first } = await this.onLiveConnection((live) => live.query<Row>(statement, values));
    this.release(client);
    return first.rows;
  }

  /** A connection of the pool for `work` alone; afterwards nothing is left of the session. */
  async hold<Value>(work: (client: pg.PoolClient) => Promise<Value>): Promise<Value> {
    const { client } = await this.onLiveConnection((live) => live.query('SELECT'));
    try {
      return await work(client);
    } finally {
      // Closing alone gives locks and tables back too, but somewhat later.
      await client.query('DISCARD ALL').catch(ignore);
      this.release(client, true);
    }
  }

  /**
   * Opens a transaction. On a pipelined connection the first statement may be sent without waiting for `begun`: that
   * statement then must refuse to run outside a transaction.
   */
  async begin(): Promise<BegunConnection> {
    if (this.pool.options.pipeline !== true) {
      const { client, first } = await this.onLiveConnection((live) => live.query(BEGIN));
      return { client, begun: Promise.resolve(first) };
    }
    const { client, first } = await this.onLiveConnection(async (live) => ({ begun: live.query(BEGIN) }));
    // Whoever asks hears of it; nobody needs to.
    first.begun.catch(ignore);
    return { client, begun: first.begun };
  }

  /**
   * @param last what was appended last: by it the outcome can be told when the answer to COMMIT is lost
   * @throws EventStoreUnavailable when the connection was lost and the transaction is not known to have committed
   */
  async commit(client: pg.PoolClient, last: LastAppend | undefined): Promise<void> {
    let command: string;
    try {
      command = (await client.query('COMMIT')).command;
    } catch (error) {
      this.release(client, true);
      if (!isConnectionFailure(error)) throw error;
      return this.settle(last, error);
    }
    this.release(client);
    if (command !== 'COMMIT') throw new TransactionAborted();
  }

  /** @param reason why */
  async rollback(client: pg.PoolClient, reason: unknown): Promise<void> {
    if (isReadOnlyServer(reason)) {
      this.leaveServer();
      return this.release(client, true);
    }
    try {
      await client.query('ROLLBACK');
      this.release(client);
    } catch {
      this.release(client, true);
    }
  }

  private async onLiveConnection<Value>(
    use: (client: pg.PoolClient) => Promise<Value>,
  ): Promise<{ client: pg.PoolClient; first: Value }> {
    for (let attempt = 1; ; attempt += 1) {
      const client = await this.connect();
      try {
        await this.openEpochOnce(client);
        return { client, first: await use(client) };
      } catch (error) {
        this.release(client, true);
        if (!isConnectionFailure(error)) throw error;
        if (!this.mayTryAgain(error, attempt)) throw new EventStoreUnavailable('nothing-recorded', { cause: error });
      }
    }
  }

  /**
   * After a restart of the server every pooled connection may be dead, and each says so at once: the one after them is new.
   * A silent one costs its time limit.
   */
  mayTryAgain(failure: unknown, attempt: number): boolean {
    if (isReadOnlyServer(failure)) return false;
    const limit = isTimeout(failure) ? SILENT_CONNECTIONS : (this.pool.options.max ?? USUAL_CONNECTIONS) + 1;
    return attempt < limit;
  }

  /**
   * After a fail-over the address may lead to another server, while connections of before are still held by the old one,
   * which only answers, and what it answers grows old: none of them is used again.
   */
  leaveServer(): void {
    const nowMs = performance.now();
    if (nowMs - this.leftAtMs < LEAVE_EVERY_MS) return;
    this.leftAtMs = nowMs;
    this.timesLeft += 1;
    for (let idle = this.pool.idleCount; idle > 0; idle -= 1) {
      this.pool.connect().then((client) => client.release(true), ignore);
    }
  }

  private isOfEarlierServer(client: pg.PoolClient): boolean {
    return (this.madeAfter.get(client) ?? 0) !== this.timesLeft;
  }

  private async connect(): Promise<pg.PoolClient> {
    try {
      const client = await this.pool.connect();
      // The pool listens only while a connection is idle; the query in hand reports the failure as well.
      client.on('error', ignore);
      return client;
    } catch (cause) {
      throw new EventStoreUnavailable('nothing-recorded', { cause });
    }
  }

  /** A cluster can only be exchanged for a restored one by way of new connections: looking once per connection is enough. */
  private async openEpochOnce(client: pg.PoolClient): Promise<void> {
    if (this.ready.has(client)) return;
    await client.query(OPEN_EPOCH);
    this.ready.add(client);
  }

  private release(client: pg.PoolClient, broken = false): void {
    client.off('error', ignore);
    client.release(broken || this.isOfEarlierServer(client));
  }

  /** Looks for the event itself, not only for the transaction id: after a fail-over the id may be somebody else's. */
  private async settle(last: LastAppend | undefined, cause: unknown): Promise<void> {
    if (last === undefined) throw new EventStoreUnavailable('unknown', { cause });
    for (const pauseMs of SETTLE_PAUSES_MS) {
      await pause(pauseMs);
      const outcome = await this.outcomeOf(last);
      if (outcome === 'committed') return;
      if (outcome === 'aborted') throw new EventStoreUnavailable('nothing-recorded', { cause });
    }
    throw new EventStoreUnavailable('unknown', { cause });
  }

  private async outcomeOf({ event, transactionId }: LastAppend): Promise<'committed' | 'aborted' | 'not-told'> {
    try {
      const [row] = await this.read<{ recorded: boolean; status: string | null }>(
        `SELECT pg_xact_status($1::xid8) AS status,
                EXISTS (SELECT FROM events WHERE stream_id = $2 AND version = $3 AND event_id = $4) AS recorded`,
        [transactionId, event.streamId, event.streamVersion, event.eventId],
      );
      if (row?.recorded === true) return 'committed';
      return row?.status === 'aborted' ? 'aborted' : 'not-told';
    } catch {
      return 'not-told';
    }
  }
}
