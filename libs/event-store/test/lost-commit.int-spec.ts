import net, { type AddressInfo, type Socket } from 'node:net';
import pg from 'pg';
import { type AppendContext, type StreamAppend } from '../src/event-store.port.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

const context: AppendContext = {
  recordedAt: '2026-01-02T03:04:05.678Z',
  metadata: { actor: 'ada', requestId: 'request-1' },
};
const appended: StreamAppend = {
  streamId: 'a',
  expectedVersion: 0,
  events: [{ type: 'Counted', schemaVersion: 1, data: {} }],
};

/** The simple-query message, alone: unlike the COMMIT among the statements that look at the epoch. */
const COMMIT = Buffer.from('Q\u0000\u0000\u0000\u000bCOMMIT\u0000');

type Cut = 'nothing' | 'the COMMIT' | 'the answer to COMMIT' | 'the answer and all that follows';

/** Stands between client and server and cuts a connection at its COMMIT. */
class CuttingProxy {
  cut: Cut = 'nothing';
  private readonly sockets = new Set<Socket>();
  private readonly server = net.createServer((client) => this.accept(client));

  constructor(private readonly target: URL) {}

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    const server = net.connect(Number(this.target.port), this.target.hostname);
    let isCommitting = false;
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (bytes) => {
      isCommitting = bytes.equals(COMMIT);
      if (isCommitting && this.cut === 'the COMMIT') return end();
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (!isCommitting || this.cut === 'nothing') return void client.write(bytes);
      if (this.cut === 'the answer and all that follows') this.server.close();
      end();
    });
  }
}

let database: FreshDatabase;
let proxy: CuttingProxy;
let pool: pg.Pool;
let store: PostgresEventStore;
/** Past the proxy. */
let later: PostgresEventStore;
beforeEach(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  proxy = new CuttingProxy(new URL(database.url));
  const url = new URL(database.url);
  url.port = String(await proxy.listen());
  pool = new pg.Pool({ connectionString: url.href, max: 2, pipeline: true });
  store = new PostgresEventStore(pool, TEST_HISTORY_KEYS);
  later = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  await store.transact(async () => undefined);
});
afterEach(async () => {
  await pool.end();
  await proxy.close();
  await database.drop();
});

const append = () => store.transact((session) => session.append(appended, context));
const recorded = async () => (await database.pool.query('SELECT FROM events')).rowCount;

describe('a connection lost while committing', () => {
  it('answers with success when the transaction turns out to have committed', async () => {
    proxy.cut = 'the answer to COMMIT';
    const { value, position } = await append();
    expect(position).toEqual(value[0]?.position);
    expect(await recorded()).toBe(1);
  });

  it('says that nothing was recorded when the transaction turns out to have been rolled back', async () => {
    proxy.cut = 'the COMMIT';
    await expect(append()).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE', outcome: 'nothing-recorded' });
    expect(await recorded()).toBe(0);
    proxy.cut = 'nothing';
    await append();
    expect(await recorded()).toBe(1);
  });

  it('is not taken for another transaction, under whose id its events stand', async () => {
    proxy.cut = 'the COMMIT';
    const rolledBack = store.transact(async (session) => {
      await session.transaction.query('CREATE TEMPORARY TABLE scratch (id integer) ON COMMIT DROP');
      await later.transact((other) => other.append({ ...appended, streamId: 'b' }, context));
      await session.append(appended, context);
    });
    await expect(rolledBack).rejects.toMatchObject({ outcome: 'nothing-recorded' });
    expect(await recorded()).toBe(1);
  });

  it('says that the outcome is unknown when the database cannot be asked', async () => {
    proxy.cut = 'the answer and all that follows';
    await expect(append()).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE', outcome: 'unknown' });
  });
});
