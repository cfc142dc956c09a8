import { once } from 'node:events';
import net, { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import tls from 'node:tls';
import { jest } from '@jest/globals';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { UpstreamPool } from '../../upstream/upstream-pool.ts';
import type { ExchangeSummary } from '../exchange-summary.ts';
import { GATEWAY_DEFAULTS } from '../gateway-settings.ts';
import { NodeFront } from '../node-http/node-front.ts';
import { DEFAULT_LIMITS, type RequestLimits } from '../request-limits.ts';
import type { TokenEndpointPort } from '../token-endpoint.port.ts';
import { TrafficHandler } from '../traffic-handler.ts';
import { LaneFront } from './lane-front.ts';

type Answerer = TokenEndpointPort['handle'];

const echo: Answerer = ({ path, body }) =>
  Promise.resolve({ status: 200, headers: [], body: `${path}=${String(body)};` });

/** A lane and Node's server behind it; what they answer is up to the test. */
class Lane {
  /** Connections that the lane gave away. */
  readonly given: Socket[] = [];
  readonly accepted: Socket[] = [];
  readonly summaries: ExchangeSummary[] = [];
  readonly front: LaneFront;
  readonly #server: net.Server;

  constructor(handle: Answerer, limits: Partial<RequestLimits> = {}, certificate?: { key: string; cert: string }) {
    const settings = { ...GATEWAY_DEFAULTS, limits: { ...DEFAULT_LIMITS, ...limits } };
    const handler = new TrafficHandler({
      current: () => undefined,
      tokenEndpoint: { owns: () => true, handle },
      upstream: new UpstreamPool(),
      settings,
      onExchange: (summary) => void this.summaries.push(summary),
      onError: (error) => {
        throw error;
      },
    });
    const node = new NodeFront(handler, settings.limits);
    this.front = new LaneFront(handler, settings.limits, (socket) => {
      this.given.push(socket);
      node.accept(socket);
    });
    const options = { allowHalfOpen: true, noDelay: true };
    const accept = (socket: Socket): void => void this.accepted.push(this.front.accept(socket));
    this.#server = certificate
      ? tls.createServer({ ...options, ...certificate }, accept)
      : net.createServer(options, accept);
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.accepted) socket.destroy();
    this.front.close();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const lanes: Lane[] = [];
afterEach(async () => {
  for (const lane of lanes.splice(0)) await lane.stop();
});

async function laneOf(...wishes: ConstructorParameters<typeof Lane>) {
  const lane = new Lane(...wishes);
  lanes.push(lane);
  return { lane, port: await lane.listen() };
}

/** A client that writes what it likes and reads until it has seen what it waits for. */
class Client {
  text = '';

  constructor(readonly socket: Socket) {
    socket.on('error', () => undefined).on('data', (piece: Buffer) => (this.text += piece.toString('latin1')));
  }

  async say(bytes: string, until: string): Promise<void> {
    this.socket.write(bytes, 'latin1');
    while (!this.text.includes(until)) {
      if (this.socket.closed) throw new Error(`closed after ${this.text}`);
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    }
  }

  /** Bodies of the answers, in their order. */
  get bodies(): readonly string[] {
    return this.text.match(/(?<=\r\n\r\n)[^;]*;/g) ?? [];
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await nextTurn();
}

const request = (path: string, body = '', more = ''): string =>
  `${body === '' ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

const TRANSPORTS = [
  ['in the clear', undefined],
  ['encrypted', selfSignedCertificate('a.test')],
] as const;

describe.each(TRANSPORTS)('a connection %s', (_how, certificate) => {
  async function connected(handle: Answerer = echo) {
    const { lane, port } = await laneOf(handle, {}, certificate);
    const socket = certificate
      ? tls.connect({ port, host: '127.0.0.1', ca: certificate.cert, servername: 'a.test' })
      : connect(port, '127.0.0.1');
    await once(socket, certificate ? 'secureConnect' : 'connect');
    return { lane, client: new Client(socket) };
  }

  it('stays in the lane as long as its requests are plain', async () => {
    const { lane, client } = await connected();
    await client.say(request('/1'), '/1=;');
    await client.say(request('/2', 'two'), '/2=two;');
    await client.say(request('/3') + request('/4', 'four') + request('/5'), '/5=;');
    expect(client.bodies).toEqual(['/1=;', '/2=two;', '/3=;', '/4=four;', '/5=;']);
    expect(lane.given).toEqual([]);
    await until(() => lane.summaries.length === 5);
    expect(lane.summaries.map(({ isComplete }) => isComplete)).toEqual([true, true, true, true, true]);
  });

  it('goes to Node’s server with all its bytes, those before, those that are there and those to come', async () => {
    const { lane, client } = await connected();
    const [head = '', body = ''] = [
      request('/3', 'x'.repeat(50)).slice(0, 90),
      request('/3', 'x'.repeat(50)).slice(90),
    ];
    await client.say(request('/1') + request('/2') + head, '/2=;');
    await client.say(body + request('/4') + request('/5', 'half').slice(0, -2), '/4=;');
    await client.say('lf', '/5=half;');
    await client.say(request('/6'), '/6=;');
    expect(client.bodies).toEqual(['/1=;', '/2=;', `/3=${'x'.repeat(50)};`, '/4=;', '/5=half;', '/6=;']);
    expect(lane.given).toHaveLength(1);
    await until(() => lane.summaries.length === 6);
  });

  it.each([1, 5, 17, 40])('goes there from its first byte on when it comes in pieces of %d bytes', async (size) => {
    const { lane, client } = await connected();
    const bytes = request('/1', 'one') + request('/2');
    for (let at = 0; at < bytes.length; at += size) {
      client.socket.write(bytes.slice(at, at + size));
      await nextTurn();
    }
    await client.say('', '/2=;');
    expect(client.bodies).toEqual(['/1=one;', '/2=;']);
    await until(() => lane.summaries.length === 2);
  });
});

describe('requests behind each other', () => {
  it('are answered in their order, however many there are', async () => {
    const { lane, port } = await laneOf(echo);
    const client = new Client(connect(port, '127.0.0.1'));
    const paths = Array.from({ length: 5_000 }, (_, index) => `/${index}`);
    await client.say(paths.map((path) => request(path)).join(''), '/4999=;');
    expect(client.bodies).toEqual(paths.map((path) => `${path}=;`));
    expect(lane.summaries).toHaveLength(5_000);
  });

  it('are not read on while many wait for the first one’s answer', async () => {
    const { lane, port } = await laneOf(() => new Promise(() => undefined));
    const client = new Client(connect(port, '127.0.0.1'));
    client.socket.write(request('/1').repeat(200_000));
    await once(client.socket, 'connect');
    while (lane.accepted[0]?.isPaused() !== true) await nextTurn();
    expect(lane.accepted[0].bytesRead).toBeLessThan(256 * 1024);
  });
});

describe('a client that leaves', () => {
  it.each(['end', 'resetAndDestroy'] as const)('(%s) ends the exchange that was under way, once', async (how) => {
    let started = (): void => undefined;
    const start = new Promise<void>((resolve) => (started = resolve));
    const { lane, port } = await laneOf(() => {
      started();
      return new Promise(() => undefined);
    });
    const { socket } = new Client(connect(port, '127.0.0.1'));
    socket.write(request('/1'));
    await start;
    socket[how]();
    await until(() => lane.summaries.length > 0 && lane.accepted[0]?.closed === true);
    await nextTurn();
    expect(lane.summaries).toMatchObject([{ isComplete: false, status: undefined }]);
  });

  it('together with its request gets the answer all the same', async () => {
    const { lane, port } = await laneOf(echo);
    const client = new Client(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
    client.socket.end(request('/1'));
    await until(() => lane.summaries.length > 0 && lane.accepted[0]?.closed === true);
    expect([client.bodies, lane.summaries]).toMatchObject([['/1=;'], [{ isComplete: true, status: 200 }]]);
  });

  it('after its answer had that exchange complete, once', async () => {
    const { lane, port } = await laneOf(echo);
    const client = new Client(connect(port, '127.0.0.1'));
    await client.say(request('/1'), '/1=;');
    client.socket.end();
    await until(() => lane.summaries.length > 0 && lane.accepted[0]?.closed === true);
    await nextTurn();
    expect(lane.summaries).toMatchObject([{ isComplete: true, status: 200 }]);
  });
});

describe('a connection ends', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'Date'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const limits = { clientIdleTimeoutMs: 75_000, headerTimeoutMs: 15_000, writeIdleTimeoutMs: 60_000 };

  it('when no request came in time, and no sooner', async () => {
    const { lane, port } = await laneOf(echo, limits);
    const { socket } = new Client(connect(port, '127.0.0.1'));
    while (lane.accepted.length === 0) await nextTurn();
    jest.advanceTimersByTime(15_000);
    expect(lane.accepted[0]?.destroyed).toBe(false);
    jest.advanceTimersByTime(1_000);
    expect(lane.accepted[0]?.destroyed).toBe(true);
    await once(socket, 'close');
  });

  it('when no further request came in time, counted from the last answer', async () => {
    const { lane, port } = await laneOf(echo, limits);
    const client = new Client(connect(port, '127.0.0.1'));
    await client.say(request('/1'), '/1=;');
    jest.advanceTimersByTime(70_000);
    await client.say(request('/2'), '/2=;');
    jest.advanceTimersByTime(75_000);
    expect(lane.accepted[0]?.destroyed).toBe(false);
    jest.advanceTimersByTime(1_000);
    expect(lane.accepted[0]?.destroyed).toBe(true);
  });

  it('never while its request is under way', async () => {
    let finish = (): void => undefined;
    const { lane, port } = await laneOf(
      () => new Promise((resolve) => (finish = () => resolve({ status: 200, headers: [], body: 'late;' }))),
      limits,
    );
    const client = new Client(connect(port, '127.0.0.1'));
    client.socket.write(request('/1'));
    while (lane.accepted[0]?.bytesRead !== request('/1').length) await nextTurn();
    jest.advanceTimersByTime(600_000);
    await nextTurn();
    finish();
    await client.say('', 'late;');
    expect(lane.summaries).toMatchObject([{ isComplete: true }]);
  });

  it('when its client does not read on', async () => {
    const body = 'x'.repeat(32 * 1024 * 1024);
    const { lane, port } = await laneOf(() => Promise.resolve({ status: 200, headers: [], body }), limits);
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.pause().write(request('/1'));
    while (!((lane.accepted[0]?.writableLength ?? 0) > 0)) await nextTurn();
    jest.advanceTimersByTime(60_000);
    expect(lane.accepted[0]?.destroyed).toBe(false);
    jest.advanceTimersByTime(2_000);
    expect(lane.accepted[0]?.destroyed).toBe(true);
    while (lane.summaries.length === 0) await nextTurn();
    expect(lane.summaries).toMatchObject([{ isComplete: false, status: 200 }]);
    socket.destroy();
  });
});

describe('draining', () => {
  it('ends idle connections, and others behind their answers, which say so', async () => {
    let finish = (): void => undefined;
    const answer = new Promise<void>((resolve) => (finish = resolve));
    const { lane, port } = await laneOf((asked) =>
      asked.path === '/slow' ? answer.then(() => echo(asked)) : echo(asked),
    );
    const [idle, busy] = [new Client(connect(port, '127.0.0.1')), new Client(connect(port, '127.0.0.1'))];
    await idle.say(request('/1'), '/1=;');
    await busy.say(request('/1') + request('/slow'), '/1=;');
    lane.front.stopKeeping();
    lane.front.closeIdle();
    await once(idle.socket, 'close');
    finish();
    await once(busy.socket, 'close');
    expect(busy.bodies).toEqual(['/1=;', '/slow=;']);
    expect(busy.text.match(/Connection: [a-z-]+/g)).toEqual(['Connection: keep-alive', 'Connection: close']);
  });

  it('keeps a connection whose answer, not written yet, says so; the next answer ends it', async () => {
    const { lane, port } = await laneOf((asked) => {
      // The answer is begun by then, and written at the end of the turn.
      if (asked.path === '/1')
        void Promise.resolve()
          .then()
          .then(() => lane.front.stopKeeping());
      return echo(asked);
    });
    const client = new Client(connect(port, '127.0.0.1'));
    await client.say(request('/1'), '/1=;');
    await client.say(request('/2'), '/2=;');
    expect(client.text.match(/Connection: [a-z-]+/g)).toEqual(['Connection: keep-alive', 'Connection: close']);
  });
});
