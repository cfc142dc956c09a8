import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage, type RequestListener } from 'node:http';
import net, { type AddressInfo, type LookupFunction } from 'node:net';
import { text } from 'node:stream/consumers';
import { parseProxyArtifact, type ProxyArtifact } from '#libs/policy-contracts';
import { linkProxy, type LinkedProxy, type LinkOptions } from '#libs/policy-runtime';
import { compileRouter } from '../../router/testing/compile-router.ts';
import { UpstreamPool, type UpstreamPoolOptions } from '../../upstream/upstream-pool.ts';
import type { ActiveConfiguration } from '../active-configuration.ts';
import type { ExchangeSummary } from '../exchange-summary.ts';
import type { ExchangeTracer } from '../exchange-trace.ts';
import { GATEWAY_DEFAULTS, type GatewaySettings } from '../gateway-settings.ts';
import { DEFAULT_LIMITS, type RequestLimits } from '../request-limits.ts';
import type { TokenEndpointPort } from '../token-endpoint.port.ts';
import type { ConnectionAcceptor } from '../listener/connection-acceptor.port.ts';
import { LISTENER_DEFAULTS, type ListenerSettings } from '../listener/listener-settings.ts';
import { TrafficServer, type TrafficServerDeps } from '../traffic-server.ts';

export const SECRET = 'a shared secret of at least thirty-two bytes';

const NO_POLICIES = { request: [], response: [], error: [] };
const NOTHING_ALLOWED = { allowOrigins: [], allowMethods: [], allowHeaders: [], exposeHeaders: [] };

/** Members of an artifact that a test cares about; upstream addresses as bare URLs. */
export interface ArtifactWishes {
  readonly proxy?: string;
  readonly paths?: readonly string[];
  readonly hosts?: readonly string[];
  readonly methods?: readonly string[];
  readonly headers?: ProxyArtifact['route']['headers'];
  readonly addresses: readonly (string | { readonly url: string; readonly weight: number })[];
  readonly upstream?: Partial<ProxyArtifact['upstream']>;
  readonly cors?: Partial<NonNullable<ProxyArtifact['cors']>>;
  readonly errorTemplate?: string | undefined;
  readonly xmlErrorTemplate?: string;
  readonly pipelines?: Readonly<Record<string, unknown>>;
  readonly endpoints?: readonly Readonly<Record<string, unknown>>[];
  readonly signingKeys?: Readonly<Record<string, unknown>>;
}

const templateOf = (template: string | undefined) => (template === undefined ? undefined : { template });

/** A whole artifact as a gateway would read it, through the real parser. */
export function artifactOf(wishes: ArtifactWishes): ProxyArtifact {
  const parsed = parseProxyArtifact({
    formatVersion: 1,
    project: 'shop',
    proxy: wishes.proxy ?? 'orders',
    proxyId: `id-of-${wishes.proxy ?? 'orders'}`,
    revision: 1,
    environment: { name: 'test', tokenIssuer: 'https://gatewarden/test', expiresInUnit: 'SECONDS' },
    route: {
      paths: wishes.paths ?? ['/orders'],
      hosts: wishes.hosts ?? [],
      methods: wishes.methods ?? [],
      headers: wishes.headers ?? [],
    },
    upstream: {
      addresses: wishes.addresses.map((address) =>
        typeof address === 'string' ? { url: address, weight: 1 } : address,
      ),
      loadBalance: 'ROUND_ROBIN',
      connectTimeoutMs: 2_000,
      readTimeoutMs: 5_000,
      retryCount: 0,
      ...wishes.upstream,
    },
    cors: wishes.cors && { ...NOTHING_ALLOWED, allowCredentials: false, ...wishes.cors },
    jsonErrorTemplate: templateOf(wishes.errorTemplate),
    xmlErrorTemplate: templateOf(wishes.xmlErrorTemplate),
    pipelines: { ...NO_POLICIES, ...wishes.pipelines },
    endpoints: (wishes.endpoints ?? []).map((endpoint) => ({ pipelines: NO_POLICIES, ...endpoint })),
    variables: { 'private.key': { value: SECRET, secret: true } },
    signingKeys: wishes.signingKeys ?? {},
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.value;
}

/** A proxy linked by the real runtime. */
export function proxyOf(wishes: ArtifactWishes, options: Partial<LinkOptions> = {}): LinkedProxy {
  const linked = linkProxy(artifactOf(wishes), { faultCodes: 'documented', ...options });
  if (!linked.ok) throw new Error(JSON.stringify(linked.faults));
  return linked.proxy;
}

/** A VerifyJWT policy for tokens that `tokenOf` signs. */
export const verifyJwt = (name: string, members: Readonly<Record<string, unknown>> = {}) => ({
  name,
  policy: { type: 'policy-verify-jwt', algorithm: ['HS256'], secretKey: { ref: 'private.key' }, ...members },
});

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An HS256 token over the shared secret. */
export function tokenOf(claims: Readonly<Record<string, unknown>>): string {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

export interface ReceivedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Question {
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  readonly agent?: http.Agent;
}

/** Opens a request and leaves its body to the caller. */
export const open = ({ port, path, method = 'GET', headers = {}, agent }: Question): http.ClientRequest =>
  http.request({ host: '127.0.0.1', port, path, method, headers, agent: agent ?? false });

/** Asks and reads the whole answer. */
export async function ask(question: Question): Promise<ReceivedAnswer> {
  const request = open(question);
  request.end(question.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const { statusCode: status = 0, headers, rawHeaders } = response;
  return { status, headers, rawHeaders, body: await text(response) };
}

/** Sends bytes as they are and gives everything that came until the server closed the connection. */
export async function askRaw(port: number, bytes: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(Buffer.from(bytes, 'latin1'));
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await once(socket, 'close');
  return Buffer.concat(pieces).toString('latin1');
}

/** Code of the envelope in an answer. */
export const faultCodeOf = (answer: Pick<ReceivedAnswer, 'body'>): unknown =>
  (JSON.parse(answer.body) as { fault: { faultCode?: unknown } }).fault.faultCode;

/** Owns nothing: for tests that have no token service. */
export const NO_TOKEN_ENDPOINT: TokenEndpointPort = {
  owns: () => false,
  handle: () => Promise.reject(new Error('not owned')),
};

export interface RunningUpstream {
  readonly url: string;
  readonly port: number;
  /** Requests as they came. */
  readonly seen: IncomingMessage[];
}

export interface GatewayWishes {
  readonly proxies?: readonly LinkedProxy[];
  readonly settings?: Partial<GatewaySettings>;
  readonly limits?: Partial<RequestLimits>;
  readonly tokenEndpoint?: TokenEndpointPort;
  readonly lookup?: LookupFunction;
  readonly pool?: UpstreamPoolOptions;
  readonly listener?: Partial<ListenerSettings>;
  readonly certificate?: TrafficServerDeps['certificate'];
  readonly tracer?: ExchangeTracer | undefined;
  readonly onOverload?: TrafficServerDeps['onOverload'];
  /** Beside the summaries that are kept. */
  readonly onExchange?: (exchange: ExchangeSummary) => void;
}

/** A TrafficServer on a free port with everything it needs. */
export class RunningGateway {
  readonly errors: unknown[] = [];
  /** Why connections were ended for their PROXY header. */
  readonly proxyRefusals: string[] = [];
  readonly summaries: ExchangeSummary[] = [];
  readonly pool: UpstreamPool;
  readonly server: TrafficServer;
  port = 0;
  #current: ActiveConfiguration | undefined;
  #upstreams: readonly ProxyArtifact['upstream'][] = [];
  readonly #rootContext: string;
  #onSummary: (() => void) | undefined;

  constructor(wishes: GatewayWishes) {
    const limits = { ...DEFAULT_LIMITS, ...wishes.limits };
    const settings = { ...GATEWAY_DEFAULTS, limits, ...wishes.settings };
    this.#rootContext = settings.rootContext;
    this.pool = new UpstreamPool({ adminOrigin: settings.adminOrigin, lookup: wishes.lookup, ...wishes.pool });
    this.server = new TrafficServer({
      current: () => this.#current,
      tokenEndpoint: wishes.tokenEndpoint ?? NO_TOKEN_ENDPOINT,
      upstream: this.pool,
      settings,
      listener: { ...LISTENER_DEFAULTS, ...wishes.listener },
      certificate: wishes.certificate,
      onProxyRefused: (reason) => this.proxyRefusals.push(reason),
      tracer: wishes.tracer,
      onOverload: wishes.onOverload,
      onExchange: (summary) => {
        this.summaries.push(summary);
        wishes.onExchange?.(summary);
        this.#onSummary?.();
      },
      onError: (error) => this.errors.push(error),
    });
    if (wishes.proxies !== undefined) this.use(wishes.proxies);
  }

  /** What a configuration swap does. */
  use(proxies: readonly LinkedProxy[]): void {
    this.#current = { router: compileRouter(proxies, this.#rootContext) };
    const dropped = this.#upstreams;
    this.#upstreams = proxies.map((proxy) => proxy.artifact.upstream);
    this.pool.follow({ added: this.#upstreams, dropped });
  }

  /** Waits until so many exchanges are over. */
  async summary(count = 1): Promise<ExchangeSummary> {
    while (this.summaries.length < count) {
      await new Promise<void>((resolve) => {
        this.#onSummary = resolve;
      });
    }
    const summary = this.summaries[count - 1];
    if (summary === undefined) throw new Error('no summary');
    return summary;
  }
}

/** Starts servers on free ports and stops them all. */
export class Rig {
  readonly #stops: (() => Promise<unknown>)[] = [];

  async upstream(listener: RequestListener): Promise<RunningUpstream> {
    const seen: IncomingMessage[] = [];
    const server = http.createServer((request, response) => {
      seen.push(request);
      listener(request, response);
    });
    // What the gateway lets through and adds to is for the test to judge: from Node 24 on, servers refuse 1,000 lines.
    server.maxHeadersCount = 0;
    this.#stops.push(() => this.#end(server, () => server.closeAllConnections()));
    const port = await this.#listen(server);
    return { url: `http://127.0.0.1:${port}`, port, seen };
  }

  /** A server that speaks what the test makes it speak. */
  async rawServer(listener: (socket: net.Socket) => void): Promise<{ readonly port: number }> {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      listener(socket);
    });
    this.#stops.push(() => this.#end(server, () => sockets.forEach((socket) => socket.destroy())));
    return { port: await this.#listen(server) };
  }

  /** A port on which nobody listens. */
  async closedPort(): Promise<number> {
    const server = net.createServer();
    const port = await this.#listen(server);
    await this.#end(server, () => undefined);
    return port;
  }

  async gateway(wishes: GatewayWishes): Promise<RunningGateway> {
    const gateway = new RunningGateway(wishes);
    gateway.port = (await gateway.server.listen('127.0.0.1', 0)).port;
    this.#stopWith(gateway);
    return gateway;
  }

  /** A gateway that does not listen itself. */
  async gatewayBehind(acceptor: ConnectionAcceptor, wishes: GatewayWishes): Promise<RunningGateway> {
    const gateway = new RunningGateway(wishes);
    gateway.server.takeFrom(acceptor);
    this.#stopWith(gateway);
    return gateway;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  #stopWith(gateway: RunningGateway): void {
    this.#stops.push(async () => {
      await gateway.server.drain(0);
      await gateway.pool.close();
    });
  }

  async #listen(server: net.Server): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  #end(server: net.Server, endConnections: () => void): Promise<void> {
    return new Promise((resolve) => {
      server.close(() => resolve());
      endConnections();
    });
  }
}
