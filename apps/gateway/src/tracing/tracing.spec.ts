import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { createLogger } from '#libs/program-shell';
import { ask, proxyOf, Rig, tokenOf, verifyJwt, type RunningGateway } from '../http-server/testing/rig.ts';
import { Tracing } from './tracing.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const PARENT = `00-${TRACE}-${SPAN}-01`;

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code: number };
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

interface SentBatch {
  readonly resourceSpans: readonly {
    readonly resource: Pick<SentSpan, 'attributes'>;
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

/** A collector that takes what OTLP over HTTP sends. */
class Collector {
  readonly spans: SentSpan[] = [];
  readonly requests: http.IncomingMessage[] = [];
  resource: Readonly<Record<string, unknown>> = {};
  status = 200;
  /** Takes what comes and says nothing. */
  isHanging = false;
  private readonly held: http.ServerResponse[] = [];
  private readonly server = http.createServer((request, response) => void this.take(request, response));

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    // So that nobody tries again after the test.
    for (const response of this.held) response.writeHead(400, { Connection: 'close' }).end();
    this.server.close();
    this.server.closeIdleConnections();
  }

  private async take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.requests.push(request);
    if (this.isHanging) return void this.held.push(response);
    const batch = (await json(Readable.from(request))) as SentBatch;
    for (const { resource, scopeSpans } of batch.resourceSpans) {
      this.resource = attributesOf(resource);
      for (const { spans } of scopeSpans) if (this.status === 200) this.spans.push(...spans);
    }
    response.writeHead(this.status, { 'Content-Type': 'application/json' }).end('{}');
  }
}

const attributesOf = ({ attributes }: Pick<SentSpan, 'attributes'>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

describe('Tracing', () => {
  const rig = new Rig();
  const lines: string[] = [];
  const counts = new Map<string, number>();
  let collector: Collector;
  let endpoint: string;

  const tracingTo = async (address: string, ratio = 1): Promise<Tracing> => {
    const tracing = new Tracing({
      flushTimeoutMs: collector.isHanging ? 50 : 3_000,
      settings: { endpoint: address, headers: { 'x-api-key': 'collector-secret' }, serviceName: 'edge', ratio },
      program: { version: '1.2.3', gatewayId: 'gw-1', environment: 'test' },
      logger: createLogger('info', { write: (line: string) => lines.push(line) }),
      countSpans: (outcome, spans) => counts.set(outcome, (counts.get(outcome) ?? 0) + spans),
    });
    await tracing.open();
    return tracing;
  };
  const gatewayWith = async (tracing: Tracing | undefined, address: string): Promise<RunningGateway> =>
    rig.gateway({
      proxies: [
        proxyOf({
          addresses: [address],
          pipelines: { request: [verifyJwt('check')] },
          endpoints: [{ name: '/items/{id}', httpMethod: 'GET' }],
        }),
      ],
      tracer: tracing?.tracer,
      onExchange: (exchange) => tracing?.note(exchange),
    });
  const questionOf = (gateway: RunningGateway, headers: http.OutgoingHttpHeaders = {}) => ({
    ...{ port: gateway.port, path: '/orders/items/7?access_token=secret-in-the-query' },
    headers: { authorization: `Bearer ${tokenOf({ sub: 'a' })}`, ...headers },
  });

  beforeEach(async () => {
    collector = new Collector();
    endpoint = await collector.listen();
    lines.splice(0);
    counts.clear();
  });
  afterEach(async () => {
    collector.close();
    await rig.stop();
  });

  it('tells a collector of a request, its policies and its upstream, as parts of the caller’s trace', async () => {
    const upstream = await rig.upstream((_request, response) => response.writeHead(201).end('x'));
    const tracing = await tracingTo(`${endpoint}/otlp`);
    const gateway = await gatewayWith(tracing, upstream.url);
    const before = Date.now();
    await ask(questionOf(gateway, { traceparent: PARENT, tracestate: 'vendor=a', host: 'api.example:8443' }));
    const { correlationId } = await gateway.summary();
    await tracing.close();

    expect(collector.requests[0]).toMatchObject({ method: 'POST', url: '/otlp/v1/traces' });
    expect(collector.requests[0]?.headers['x-api-key']).toBe('collector-secret');
    expect(collector.resource).toEqual({
      ...{ 'service.name': 'edge', 'service.version': '1.2.3', 'service.instance.id': 'gw-1' },
      'deployment.environment.name': 'test',
    });
    const [server, policies, client] = collector.spans;
    if (server === undefined || policies === undefined || client === undefined) throw new Error('no spans');
    expect(collector.spans).toHaveLength(3);
    expect(collector.spans.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE, TRACE]);
    expect([server.parentSpanId, policies.parentSpanId, client.parentSpanId]).toEqual([
      ...[SPAN, server.spanId, server.spanId],
    ]);
    expect(collector.spans.map(({ name, kind, status }) => [name, kind, status.code])).toEqual([
      ['GET /orders/items/{id}', 2, 0],
      ['request policies', 1, 0],
      ['GET', 3, 0],
    ]);
    expect(attributesOf(server)).toEqual({
      ...{ 'http.request.method': 'GET', 'http.route': '/orders/items/{id}', 'url.path': '/orders/items/7' },
      ...{ 'url.scheme': 'http', 'http.response.status_code': 201, 'network.protocol.version': '1.1' },
      ...{ 'server.address': 'api.example', 'server.port': 8443, 'client.address': '127.0.0.1' },
      ...{ 'gatewarden.correlation_id': correlationId, 'gatewarden.proxy': 'shop/orders', 'gatewarden.revision': 1 },
    });
    expect(attributesOf(client)).toEqual({
      ...{ 'http.request.method': 'GET', 'http.response.status_code': 201, 'server.address': '127.0.0.1' },
      'server.port': upstream.port,
    });
    const timesOf = ({ startTimeUnixNano, endTimeUnixNano }: SentSpan) =>
      [startTimeUnixNano, endTimeUnixNano].map((nanoseconds) => Number(nanoseconds) / 1e6) as [number, number];
    const [[from, to], [sent, answered]] = [timesOf(server), timesOf(client)];
    expect(from).toBeGreaterThan(before - 50);
    expect(from <= sent && sent <= answered && answered <= to).toBe(true);
    // What the upstream makes of it hangs from the request to it.
    expect(upstream.seen[0]?.headers).toMatchObject({
      ...{ traceparent: `00-${TRACE}-${client.spanId}-01`, tracestate: 'vendor=a' },
    });
    expect(JSON.stringify(collector.spans)).not.toMatch(/secret/);
    expect(counts).toEqual(new Map([['exported', 3]]));
  });

  it('marks what went wrong here, and only that', async () => {
    const closed = await rig.closedPort();
    const tracing = await tracingTo(endpoint);
    const gateway = await gatewayWith(tracing, `http://127.0.0.1:${closed}`);
    await ask(questionOf(gateway));
    await ask(questionOf(gateway, { authorization: 'Bearer nonsense' }));
    await ask({ port: gateway.port, path: '/nowhere', method: 'PROPFIND' });
    await gateway.summary(3);
    await tracing.close();
    const told = collector.spans.map((span) => {
      const attributes = attributesOf(span);
      return [span.name, span.status.code, attributes['http.response.status_code'], attributes['error.type']];
    });
    expect(told).toEqual([
      ['GET /orders/items/{id}', 2, 502, expect.any(String)],
      ['request policies', 0, undefined, undefined],
      ['GET', 2, undefined, 'unreachable'],
      ['GET /orders/items/{id}', 0, 401, undefined],
      ['request policies', 0, undefined, undefined],
      ['HTTP', 0, 404, undefined],
    ]);
    const refused = collector.spans.slice(3, 5).map(attributesOf);
    expect(refused.map((attributes) => attributes['gatewarden.policy'])).toEqual(['check', 'check']);
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(3);
  });

  it('records what the caller records; of its own traces a share; and hands all on', async () => {
    const upstream = await rig.upstream((_request, response) => response.end());
    const tracing = await tracingTo(endpoint, 0);
    const gateway = await gatewayWith(tracing, upstream.url);
    await ask(questionOf(gateway));
    await ask(questionOf(gateway, { traceparent: PARENT.replace(/01$/, '00') }));
    await ask(questionOf(gateway, { traceparent: 'nonsense', tracestate: 'vendor=a' }));
    await ask(questionOf(gateway, { traceparent: PARENT }));
    await gateway.summary(4);
    await tracing.close();
    expect(collector.spans.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE, TRACE]);
    const sentOn = upstream.seen.map(({ headers }) => headers);
    expect(sentOn.map(({ traceparent }) => traceparent)).toEqual([
      expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
      expect.stringMatching(new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-00$`)),
      expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
      expect.stringMatching(new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-01$`)),
    ]);
    // A tracestate without a trace means nothing.
    expect(sentOn[2]).not.toHaveProperty('tracestate');
  });

  it('changes nothing of a request when nobody asked for traces', async () => {
    const upstream = await rig.upstream((_request, response) => response.end());
    const gateway = await gatewayWith(undefined, upstream.url);
    await ask(questionOf(gateway, { traceparent: PARENT, tracestate: 'vendor=a' }));
    await ask(questionOf(gateway));
    expect(upstream.seen[0]?.headers).toMatchObject({ traceparent: PARENT, tracestate: 'vendor=a' });
    expect(upstream.seen[1]?.headers).not.toHaveProperty('traceparent');
  });

  it('says once that the collector is away, counts what is lost, and says that it is back', async () => {
    const upstream = await rig.upstream((_request, response) => response.end());
    const tracing = await tracingTo(endpoint);
    const gateway = await gatewayWith(tracing, upstream.url);
    collector.status = 400;
    const askAndFlush = async (count: number): Promise<void> => {
      await ask(questionOf(gateway));
      await gateway.summary(count);
      await tracing.flush();
    };
    await askAndFlush(1);
    await askAndFlush(2);
    collector.status = 200;
    await askAndFlush(3);
    await tracing.close();
    expect(counts).toEqual(
      new Map([
        ['failed', 6],
        ['exported', 3],
      ]),
    );
    expect(lines.map((line) => (JSON.parse(line) as { msg: string; level: string }).msg)).toEqual([
      'spans are lost: the trace collector does not take them',
      'the trace collector takes spans again',
    ]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', collector: new URL(endpoint).host, why: '400' });
    expect(lines.join('')).not.toContain('collector-secret');
  });

  it('does not wait for a collector that hangs, and holds no more of a request than there is to say', async () => {
    collector.isHanging = true;
    const upstream = await rig.upstream((_request, response) => response.end());
    const tracing = await tracingTo(endpoint);
    const gateway = await gatewayWith(tracing, upstream.url);
    await ask({ ...questionOf(gateway), path: `/orders/items/${'x'.repeat(5_000)}` });
    await gateway.summary();
    await tracing.close();
    // Nothing became of the batch yet.
    expect(counts).toEqual(new Map());
    const [held] = collector.requests;
    expect(JSON.stringify(await json(Readable.from(held ?? [])))).not.toContain('x'.repeat(1_024));
  });
});
