import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { ArtifactUpstream } from '#libs/policy-contracts';
import { Rig, artifactOf } from '../http-server/testing/rig.ts';
import { UpstreamPool } from './upstream-pool.ts';

const rig = new Rig();
const pools: UpstreamPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
  await rig.stop();
});

function startPool(): UpstreamPool {
  const pool = new UpstreamPool();
  pools.push(pool);
  return pool;
}

const upstreamAt = (...urls: readonly string[]): ArtifactUpstream => artifactOf({ addresses: urls }).upstream;

/** The body of the answer, or the kind of failure. */
const get = (pool: UpstreamPool, upstream: ArtifactUpstream): Promise<string> =>
  new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const request = { method: 'GET', path: '/', queryString: '', headers: [], body: undefined };
    pool.forward(upstream, request, {
      interim: () => undefined,
      started: () => undefined,
      received: (piece) => pieces.push(piece) > 0,
      ended: () => resolve(Buffer.concat(pieces).toString()),
      failed: ({ kind }) => resolve(kind),
    });
  });

/** An upstream whose answers wait until they are told to go on. */
async function heldUpstream() {
  const arrived: ((held: { request: IncomingMessage; response: ServerResponse }) => void)[] = [];
  const server = await rig.upstream((request, response) => arrived.shift()?.({ request, response }));
  const next = () =>
    new Promise<{ request: IncomingMessage; response: ServerResponse }>((resolve) => arrived.push(resolve));
  return { url: server.url, next };
}

describe('the pools of upstreams', () => {
  it('of an upstream that is gone closes after the requests in flight on it, and not before', async () => {
    const [pool, server] = [startPool(), await heldUpstream()];
    const upstream = upstreamAt(server.url);
    pool.follow({ added: [upstream], dropped: [] });
    const held = server.next();
    const answer = get(pool, upstream);
    const { request, response } = await held;
    const closed = once(request.socket, 'close');
    response.write('first');
    pool.follow({ added: [], dropped: [upstream] });
    expect(pool.origins).toEqual([]);
    // A whole request and answer through another pool: whatever closing does at once is done by then.
    const other = await rig.upstream((_request, asked) => asked.end('other'));
    expect(await get(pool, upstreamAt(other.url))).toBe('other');
    expect(request.socket.destroyed).toBe(false);
    response.end(' last');
    expect(await answer).toBe('first last');
    await closed;
  });

  it('is kept while one of the proxies that share an origin is left, whatever order they go in', async () => {
    const [pool, server] = [startPool(), await rig.upstream((request, response) => response.end(request.url))];
    const [one, other, replaced] = [upstreamAt(server.url), upstreamAt(server.url), upstreamAt(server.url)];
    pool.follow({ added: [one, other], dropped: [] });
    // So that the upstream has seen the end of its answer, too.
    const ask = async (upstream: ArtifactUpstream): Promise<void> => {
      await get(pool, upstream);
      await nextTurn();
    };
    await ask(one);
    pool.follow({ added: [], dropped: [one] });
    await ask(other);
    pool.follow({ added: [replaced], dropped: [other] });
    await ask(replaced);
    expect(new Set(server.seen.map(({ socket }) => socket)).size).toBe(1);
    pool.follow({ added: [], dropped: [replaced] });
    expect(pool.origins).toEqual([]);
  });

  it('is made again for a late request of an older configuration, until the next swap', async () => {
    const [pool, server] = [startPool(), await rig.upstream((_request, response) => response.end('late'))];
    const upstream = upstreamAt(server.url);
    pool.follow({ added: [upstream], dropped: [] });
    pool.follow({ added: [], dropped: [upstream] });
    expect(await get(pool, upstream)).toBe('late');
    expect(pool.origins).toEqual([server.url]);
    pool.follow({ added: [], dropped: [] });
    expect(pool.origins).toEqual([]);
  });

  it('counts a request in flight until it is over, once, also when it is given up after that', async () => {
    const [pool, server] = [startPool(), await rig.upstream((_request, response) => response.end())];
    const upstream = upstreamAt(server.url);
    const request = { method: 'GET', path: '/', queryString: '', headers: [], body: undefined };
    await new Promise<void>((resolve) => {
      const ended = (): void => {
        call.abort();
        resolve();
      };
      const nothing = (): undefined => undefined;
      const receiver = { interim: nothing, started: nothing, received: () => true, ended, failed: nothing };
      const call = pool.forward(upstream, request, receiver);
      expect(pool.health.of(server.url).inFlight).toBe(1);
    });
    expect(pool.health.of(server.url).inFlight).toBe(0);
  });

  it('closes an upgraded connection that its receiver cannot take, and tells it so', async () => {
    const ended: Promise<unknown>[] = [];
    const server = await rig.rawServer((socket) => {
      ended.push(once(socket.resume(), 'end'));
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst');
    });
    const [pool, url] = [startPool(), `http://127.0.0.1:${server.port}`];
    const request = { method: 'GET', path: '/', queryString: '', headers: [], body: undefined, upgrade: 'websocket' };
    const failure = await new Promise((resolve) => {
      const nothing = (): undefined => undefined;
      const upgraded = (): never => {
        throw new TypeError('what it says is not told');
      };
      const receiver = { interim: nothing, started: nothing, received: () => true, ended: nothing, upgraded };
      pool.forward(upstreamAt(url), request, { ...receiver, failed: resolve });
    });
    expect(failure).toEqual({ kind: 'broken', reason: 'TypeError' });
    expect(pool.health.of(url).inFlight).toBe(0);
    expect(pool.loads.get(url)).toEqual({ open: 0, idle: 0, waiting: 0 });
    await Promise.all(ended);
  });

  it('is there for exactly the upstreams in use, however they came and went', async () => {
    const servers = await Promise.all(
      ['a', 'b', 'c'].map((name) => rig.upstream((_request, response) => response.end(name))),
    );
    const urls = servers.map(({ url }) => url);
    const change = fc.tuple(fc.nat(3), fc.option(fc.subarray(urls, { minLength: 1 })));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
        const pool = startPool();
        const inUse = new Map<number, ArtifactUpstream>();
        for (const [proxy, wanted] of changes) {
          const before = inUse.get(proxy);
          const added = wanted === null ? [] : [upstreamAt(...wanted)];
          pool.follow({ added, dropped: before === undefined ? [] : [before] });
          inUse.delete(proxy);
          for (const upstream of added) {
            inUse.set(proxy, upstream);
            await Promise.all(upstream.addresses.map(() => get(pool, upstream)));
          }
          const wantedNow = [...inUse.values()].flatMap(({ addresses }) => addresses.map(({ url }) => url));
          expect([...pool.origins].sort()).toEqual([...new Set(wantedNow)].sort());
        }
      }),
      { numRuns: 30 },
    );
  });
});
