import { EventEmitter, once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ExchangeSummary } from '../http-server/exchange-summary.ts';
import { GATEWAY_DEFAULTS } from '../http-server/gateway-settings.ts';
import { ask, open, Rig, tokenOf, verifyJwt, type Question, type ReceivedAnswer } from '../http-server/testing/rig.ts';
import { TrafficServer } from '../http-server/traffic-server.ts';
import { CLIENT, PROXY_ID, proxyWith, TokenService } from '../token-endpoint/testing/token-service.ts';
import { UpstreamPool } from '../upstream/upstream-pool.ts';
import { ActiveGateway, type OpenedChange } from './active-gateway.ts';
import { artifactText, changeFor, ENVIRONMENT, tombstoneFor } from './testing/subscriber-rig.ts';

const SWAPS = 1_000;
/** So many requests end between two swaps at least: no swap is without load. */
const EXCHANGES_PER_SWAP = 3;
/** Every third configuration wants a token. */
const WANTS_TOKEN_EVERY = 3;
const DEPLOYMENTS_PER_SWAP = 10;
const PAGE = 'https://page.test';
const TOKEN = tokenOf({ sub: 'alice', exp: 4_000_000_000 });
const MACHINE_FORM = new URLSearchParams({
  grant_type: 'client_credentials',
  client_id: CLIENT.id,
  client_secret: CLIENT.secret,
}).toString();

/** Minutes that a token of this configuration lives. */
const tokenMinutes = (swap: number): number => 1 + (swap % 7);
/** `/shared` goes to and fro between two proxies. */
const ownerOfShared = (swap: number): string => (swap % 2 === 0 ? 'orders' : 'returns');
const wantsToken = (swap: number): boolean => swap % WANTS_TOKEN_EVERY === 0;

/**
 * All that one swap changes: routes, policies and upstreams of the proxies under load, and others that come and go. What
 * an upstream sees, and what a page may see, tell which configuration it was.
 */
function changesOf(swap: number, upstreams: readonly string[]): readonly OpenedChange[] {
  const deployment = swap * DEPLOYMENTS_PER_SWAP;
  const addressOf = (proxy: string): string => `${upstreams[swap % upstreams.length]}/c${swap}/${proxy}`;
  const common = {
    upstream: { connectTimeoutMs: 20_000 + (swap % 2), readTimeoutMs: 20_000 + swap },
    cors: { allowOrigins: [PAGE], exposeHeaders: [`X-C${swap}`] },
  };
  const proxyOf = (proxy: string, index: number): OpenedChange => {
    const paths = [`/${proxy}`, ...(ownerOfShared(swap) === proxy ? ['/shared'] : [])];
    const isChecked = proxy === 'orders' && wantsToken(swap);
    const pipelines = isChecked ? { request: [verifyJwt('check')] } : {};
    const addresses = Array.from({ length: 1 + (swap % 5) }, () => addressOf(proxy));
    const artifact = artifactText({ ...common, addresses, proxy, paths, pipelines });
    return { change: changeFor(proxy, deployment + index), artifact };
  };
  const issuer = proxyWith({ grantType: 'CLIENT_CREDENTIALS', tokenExpiresInAmount: tokenMinutes(swap) }).artifact;
  const neighbour = `stock-${swap % 10}`;
  return [
    proxyOf('orders', 1),
    proxyOf('returns', 2),
    {
      change: { ...changeFor('issuer', deployment + 3), proxyId: PROXY_ID },
      artifact: JSON.stringify({ ...issuer, route: { ...issuer.route, paths: ['/issuer'] } }),
    },
    swap % 20 < 10 ? proxyOf(neighbour, 4) : { change: tombstoneFor(neighbour, deployment + 4), artifact: null },
  ];
}

/** A gateway with real sockets whose configuration is swapped by hand. */
class SwappedGateway {
  readonly problems: string[] = [];
  readonly pool = new UpstreamPool();
  swap = 0;
  isOver = false;
  port = 0;
  private readonly events = new EventEmitter().setMaxListeners(0);
  private exchanges = 0;
  private readonly active: ActiveGateway;
  private readonly server: TrafficServer;

  constructor(private readonly upstreams: readonly string[]) {
    const rules = { environment: ENVIRONMENT, rootContext: '', options: { faultCodes: 'documented' as const } };
    this.active = new ActiveGateway(rules, {
      onSwap: (change) => this.pool.follow(change),
      onContest: ({ path }) => this.problems.push(`contest of ${path}`),
    });
    const issuers = {
      proxy: (proxyId: string) => this.active.current?.proxies.get(proxyId)?.linked,
      proxyNamed: () => undefined,
      all: () => [],
    };
    this.server = new TrafficServer({
      current: () => this.active.current,
      tokenEndpoint: new TokenService({}, { issuers }).endpoint,
      upstream: this.pool,
      settings: GATEWAY_DEFAULTS,
      onExchange: (summary) => this.note(summary),
      onError: (error) => this.problems.push(String(error)),
    });
  }

  async start(): Promise<void> {
    this.swapTo(0);
    this.port = (await this.server.listen('127.0.0.1', 0)).port;
  }

  async swapAll(): Promise<void> {
    for (let swap = 1; swap <= SWAPS; swap += 1) {
      const wanted = this.exchanges + EXCHANGES_PER_SWAP;
      while (this.exchanges < wanted) await once(this.events, 'exchange');
      this.swapTo(swap);
    }
    this.isOver = true;
    this.events.emit('swap');
  }

  /** The next swap, or at once when there is none. */
  async nextSwap(): Promise<void> {
    if (!this.isOver) await once(this.events, 'swap');
  }

  async stop(): Promise<void> {
    await this.server.drain(10_000);
    await this.pool.close();
  }

  private swapTo(swap: number): void {
    const outcomes = this.active.apply(changesOf(swap, this.upstreams));
    for (const [proxyId, outcome] of outcomes)
      if (!outcome.applied) this.problems.push(`${proxyId}: ${outcome.reason}`);
    this.swap = swap;
    this.events.emit('swap');
  }

  private note({ isComplete, fault, proxy }: ExchangeSummary): void {
    this.exchanges += 1;
    this.events.emit('exchange');
    if (!isComplete) this.problems.push(`cut: ${proxy ?? 'no proxy'} ${fault?.name ?? ''}`);
  }
}

/** Which configuration an answer is of, by what a page may see of it. */
const shapedBy = ({ headers }: Pick<ReceivedAnswer, 'headers'>): number =>
  Number(/^x-c(\d+)$/i.exec(String(headers['access-control-expose-headers']))?.[1]);

/** By what the upstream saw, which it echoes as the answer's first line. */
const forwardedBy = (body: string): number => Number(/^\/c(\d+)\//.exec(body)?.[1]);

/** Whether an answer is right for one of the configurations that were live from `began` to `ended`. */
type Judge = (answer: ReceivedAnswer, live: { readonly began: number; readonly ended: number }) => boolean;

const isLive = (swap: number, { began, ended }: Parameters<Judge>[1]): boolean => swap >= began && swap <= ended;

const judgeForwarded: Judge = (answer, live) => {
  const swap = shapedBy(answer);
  return answer.status === 200 && isLive(swap, live) && forwardedBy(answer.body) === swap;
};
/** Without a token it is let through or refused, as that configuration says. */
const judgeOpen: Judge = (answer, live) => {
  const swap = shapedBy(answer);
  return wantsToken(swap) ? answer.status === 401 && isLive(swap, live) : judgeForwarded(answer, live);
};
const judgeShared: Judge = (answer, live) =>
  judgeForwarded(answer, live) && answer.body.split('/')[2] === ownerOfShared(shapedBy(answer));
const judgeToken: Judge = (answer, { began, ended }) => {
  const { expires_in } = JSON.parse(answer.body) as { readonly expires_in?: number };
  const swaps = Array.from({ length: ended - began + 1 }, (_, index) => began + index);
  return answer.status === 200 && swaps.some((swap) => tokenMinutes(swap) * 60 === expires_in);
};

/** Sends its body in pieces, a swap before each, and gets it back while it sends. */
async function echo(gateway: SwappedGateway, question: Question): Promise<ReceivedAnswer> {
  const request = open({ ...question, method: 'POST' });
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  for (const piece of ['one ', 'two ', 'three ', 'four']) {
    request.write(piece.repeat(1_000));
    await gateway.nextSwap();
  }
  request.end();
  const [response] = await answered;
  const { statusCode: status = 0, headers, rawHeaders } = response;
  return { status, headers, rawHeaders, body: await text(response) };
}
const ECHOED = ['one ', 'two ', 'three ', 'four'].map((piece) => piece.repeat(1_000)).join('');
const judgeEcho: Judge = (answer, live) => judgeForwarded(answer, live) && answer.body.endsWith(`\n${ECHOED}`);

interface Load {
  readonly what: string;
  readonly send: (question: Question) => Promise<ReceivedAnswer>;
  readonly question: Omit<Question, 'port' | 'agent'>;
  readonly judge: Judge;
}

const loadsOn = (gateway: SwappedGateway): readonly Load[] => {
  const page = { origin: PAGE };
  const known = { ...page, authorization: `Bearer ${TOKEN}` };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  return [
    { what: 'known', send: ask, question: { path: '/orders/1', headers: known }, judge: judgeForwarded },
    { what: 'open', send: ask, question: { path: '/orders/1', headers: page }, judge: judgeOpen },
    { what: 'shared', send: ask, question: { path: '/shared/1', headers: known }, judge: judgeShared },
    {
      what: 'echo',
      send: (question) => echo(gateway, question),
      question: { path: '/orders/echo', headers: known },
      judge: judgeEcho,
    },
    {
      what: 'token',
      send: ask,
      question: { path: '/auth/jwt', method: 'POST', headers: form, body: MACHINE_FORM },
      judge: judgeToken,
    },
  ];
};

interface Tally {
  requests: number;
  /** Those during which the configuration was swapped. */
  spanning: number;
}

/** One client that asks again and again until the last swap is done. */
async function keepAsking(gateway: SwappedGateway, load: Load, agent: http.Agent | undefined): Promise<Tally> {
  const tally = { requests: 0, spanning: 0 };
  while (!gateway.isOver) {
    const began = gateway.swap;
    const question = { ...load.question, port: gateway.port, ...(agent && { agent }) };
    const answer = await load.send(question).catch((error: unknown) => String(error));
    const live = { began, ended: gateway.swap };
    tally.requests += 1;
    if (live.ended > began) tally.spanning += 1;
    if (typeof answer === 'string') gateway.problems.push(`${load.what}: ${answer}`);
    else if (!load.judge(answer, live)) {
      const { status, headers, body } = answer;
      const seen = { ...live, status, shaped: headers['access-control-expose-headers'], body: body.slice(0, 100) };
      gateway.problems.push(`${load.what}: ${JSON.stringify(seen)}`);
    }
  }
  return tally;
}

describe('a thousand successive swaps under load', () => {
  const rig = new Rig();
  const agent = new http.Agent({ keepAlive: true });
  afterEach(async () => {
    agent.destroy();
    await rig.stop();
  });

  it('fail, cut and mix up no request', async () => {
    const servers = await Promise.all(
      ['a', 'b', 'c'].map(() =>
        rig.upstream((request, response) => {
          response.write(`${request.url}\n`);
          request.pipe(response);
        }),
      ),
    );
    const gateway = new SwappedGateway(servers.map(({ url }) => url));
    await gateway.start();
    const loads = loadsOn(gateway);
    const clients = loads.flatMap((load) => [agent, agent, undefined].map((one) => keepAsking(gateway, load, one)));
    await gateway.swapAll();
    const tallies = await Promise.all(clients);
    await gateway.stop();
    expect(gateway.problems).toEqual([]);
    // Every kind of client was busy all the time, and swaps fell into its requests.
    for (const [index, { what }] of loads.entries()) {
      const own = tallies.slice(index * 3, index * 3 + 3);
      const sum = (member: keyof Tally): number => own.reduce((total, tally) => total + tally[member], 0);
      expect([what, sum('requests') >= 200, sum('spanning') >= 50]).toEqual([what, true, true]);
    }
  });
});
