import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { ChannelKeys, RedisKeySetShelf } from '#libs/config-distribution';
import { CapturedLog } from '#libs/program-shell/testing';
import { createEnvironmentRedis } from '../config-subscriber/environment-redis.ts';
import { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { KeySetSharingMetrics } from '../metrics/key-set-sharing-metrics.ts';
import { RedisRelay } from '../testing/redis-relay.ts';
import type { FetchOutcome, FetchWish } from './fetched-document.ts';
import { SharedDocuments } from './shared-documents.ts';
import { SharingJournal } from './sharing-journal.ts';
import { served } from './testing/hand-driven-documents.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const environment = `test-${randomBytes(6).toString('hex')}`;
const keys = new ChannelKeys(environment, randomBytes(32));
const redis = new Redis(redisUrl);
const relay = new RedisRelay(redisUrl);
const opened: Redis[] = [];

/** An address that nobody else asks for, and how often its server was asked. */
function provider(length = 0) {
  const document = { ...served(300, 'a'), text: served(300, 'a').text.padEnd(length) };
  const state = { fetches: 0, document, wish: wishFor(`https://${randomBytes(6).toString('hex')}.test/jwks`) };
  return state;
}

const wishFor = (address: string): FetchWish => ({
  ...{ address, redirectsTo: 'any-host', reason: 'missing', newerThanMs: undefined, flush: 0 },
});

type Provider = ReturnType<typeof provider>;

function documentsOf(idp: Provider, connection: Redis, onFetch: () => Promise<unknown> = async () => undefined) {
  const metrics = new GatewayMetrics();
  return new SharedDocuments({
    ...{ allowPrivateHosts: false, keys: () => keys, nowMs: Date.now },
    source: {
      fetch: async () => {
        idp.fetches += 1;
        await onFetch();
        return idp.document;
      },
    },
    shelf: new RedisKeySetShelf(connection, { environment, keepMs: 100_000 }),
    journal: new SharingJournal(new CapturedLog().logger, metrics, new KeySetSharingMetrics(metrics.registry)),
    pause: (ms) => pause(ms),
    steadyMs: () => performance.now(),
  });
}

/** A gateway with a connection of its own. */
async function gateway(idp: Provider, url: string, onFetch?: () => Promise<unknown>) {
  const connection = createEnvironmentRedis(url) as Redis;
  opened.push(connection);
  await connection.connect();
  return documentsOf(idp, connection, onFetch);
}

const textsOf = (outcomes: readonly FetchOutcome[]) =>
  new Set(outcomes.map((one) => (one.ok ? one.text : one.failure)));

beforeAll(() => relay.open());
afterAll(async () => {
  for (const connection of opened) connection.disconnect();
  await relay.cut();
  await redis.del(...(await redis.keys(`gw:{${environment}}:*`)), 'none');
  redis.disconnect();
});

describe('key sets shared through Redis', () => {
  it('cost one fetch for 50 gateways that want one at the same moment, and one per cooldown for an unknown key', async () => {
    const idp = provider();
    const slow = () => pause(100);
    const gateways = await Promise.all(Array.from({ length: 50 }, () => gateway(idp, redisUrl, slow)));
    const found = await Promise.all(gateways.map((one) => one.fetch(idp.wish)));
    expect(textsOf(found)).toEqual(new Set([idp.document.text]));
    expect(idp.fetches).toBe(1);
    const [first] = found;
    const unknown = { ...idp.wish, reason: 'unknown-key', newerThanMs: first?.ok && first.fetchedAtMs } as FetchWish;
    for (let flood = 0; flood < 10; flood += 1) await Promise.all(gateways.map((one) => one.fetch(unknown)));
    expect(idp.fetches).toBe(2);
  });

  it('may be as long as a document that is fetched may be', async () => {
    const idp = provider(1024 * 1024);
    const [one, other] = [await gateway(idp, redisUrl), await gateway(idp, redisUrl)];
    const outcomes = await Promise.all([one.fetch(idp.wish), other.fetch(idp.wish)]);
    expect(textsOf(outcomes)).toEqual(new Set([idp.document.text]));
    expect(idp.fetches).toBe(1);
  });

  it('are fetched by each gateway for itself once Redis is gone in the middle of a fetch', async () => {
    const idp = provider();
    const [begun, gone] = [new EventEmitter(), new EventEmitter()];
    const isBegun = once(begun, 'begun');
    const isGone = once(gone, 'gone');
    const one = await gateway(idp, relay.url, async () => {
      begun.emit('begun');
      await isGone;
    });
    const other = await gateway(idp, relay.url);
    const first = one.fetch(idp.wish);
    await isBegun;
    const second = other.fetch(idp.wish);
    await relay.cut();
    gone.emit('gone');
    expect(textsOf(await Promise.all([first, second]))).toEqual(new Set([idp.document.text]));
    expect(idp.fetches).toBe(2);
    await relay.open();
  });

  it('are fetched by each gateway for itself when Redis hangs with its connections open, then and in mid-fetch', async () => {
    const idp = provider();
    const one = await gateway(idp, relay.url, async () => relay.hang());
    const other = await gateway(idp, relay.url);
    expect(textsOf([await one.fetch(idp.wish), await other.fetch(idp.wish)])).toEqual(new Set([idp.document.text]));
    expect(idp.fetches).toBe(2);
    await relay.cut();
    await relay.open();
  });

  it('are shared by gateways that ask before their connection stands', async () => {
    const idp = provider();
    await (await gateway(idp, redisUrl)).fetch(idp.wish);
    const connection = createEnvironmentRedis(redisUrl) as Redis;
    opened.push(connection);
    const waiting = documentsOf(idp, connection).fetch(idp.wish);
    expect(connection.status).toBe('wait');
    await connection.connect();
    expect(await waiting).toMatchObject({ text: idp.document.text });
    expect(idp.fetches).toBe(1);
  });

  it('wait for no connection that cannot be made', async () => {
    const idp = provider();
    const connection = createEnvironmentRedis('redis://127.0.0.1:1') as Redis;
    const waiting = documentsOf(idp, connection).fetch(idp.wish);
    await connection.connect().catch(() => undefined);
    expect(await waiting).toMatchObject({ text: idp.document.text });
    expect(await documentsOf(idp, connection).fetch(idp.wish)).toMatchObject({ ok: true });
    expect(idp.fetches).toBe(2);
    // To disconnect what is not connected would leave a timer of ioredis behind.
    connection.options.retryStrategy = () => null;
    await new Promise((done) => void connection.once('end', done));
  });
});
