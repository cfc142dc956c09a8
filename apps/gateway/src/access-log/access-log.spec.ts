import type { ExchangeSummary } from '../http-server/exchange-summary.ts';
import { exchangeOf } from '../http-server/testing/exchanges.ts';
import { artifactOf, proxyOf, Rig, askRaw, verifyJwt } from '../http-server/testing/rig.ts';
import { AccessLog } from './access-log.ts';
import { isSampled } from './sampling.ts';

const idOf = (number: number): string => `5f0e6ae5-2ad6-4d0a-8f2a-${String(number).padStart(12, '0')}`;

describe('isSampled', () => {
  it('chooses by the correlation id alone, about as many as were asked for, and never fewer at a higher rate', () => {
    for (const rate of [0.01, 0.1, 0.5]) {
      const chosen = Array.from({ length: 20_000 }, (_, number) => idOf(number)).filter((id) => isSampled(id, rate));
      expect(chosen.length / 20_000).toBeGreaterThan(rate * 0.8);
      expect(chosen.length / 20_000).toBeLessThan(rate * 1.2);
      expect(chosen.every((id) => isSampled(id, rate) && isSampled(id, Math.min(1, rate * 1.5)))).toBe(true);
    }
    expect([isSampled('x', 0), isSampled('x', 1)]).toEqual([false, true]);
  });
});

describe('AccessLog', () => {
  const lines: string[] = [];
  const logOf = (sampleRate: number, alwaysErrors: boolean) =>
    new AccessLog({ sampleRate, alwaysErrors }, { write: (line) => lines.push(line), close: () => undefined });
  const read = (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  beforeEach(() => lines.splice(0));

  it('writes an exchange in one line of JSON, in the form of the program’s log', () => {
    const upstream = { attempts: 2, origin: 'http://10.0.0.1:80', sentAt: 5, headAt: 7.06, endedAt: 8, status: 200 };
    logOf(1, false).note(exchangeOf({ upstream: { ...upstream, receivedBytes: 10, failure: undefined } }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
    const { time, ...line } = read()[0] ?? {};
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line).toEqual({
      ...{ level: 'info', msg: 'access', correlationId: idOf(0).replace(/0{12}$/, '5b1b0a3c9f11'), method: 'GET' },
      ...{ scheme: 'http', host: 'api.example', path: '/orders/7', protocol: 'HTTP/1.1', clientAddress: '192.0.2.7' },
      ...{ proxy: 'shop/orders', revision: 3, route: '/orders', status: 200, bodyBytes: 10, durationMs: 20 },
      ...{ isComplete: true, upstream: 'http://10.0.0.1:80', upstreamAttempts: 2, upstreamHeadMs: 2.1, upstreamMs: 3 },
    });
  });

  it('writes refusals, failures and broken exchanges always where that is asked for, and then nothing else', () => {
    const fault = { name: 'TokenExpired', policy: 'check', reason: 'expired' };
    const errors: Partial<ExchangeSummary>[] = [
      { status: 401, fault },
      { status: 502 },
      { isComplete: false },
      { status: undefined },
    ];
    for (const exchange of [...errors, { status: 404 }, {}]) {
      logOf(0, true).note(exchangeOf(exchange));
      logOf(0, false).note(exchangeOf(exchange));
    }
    expect(read().map(({ status, fault: name }) => [status, name])).toEqual([
      [401, 'TokenExpired'],
      [502, undefined],
      [200, undefined],
      [undefined, undefined],
    ]);
  });

  it('never holds a query, a header or a token, and no path begins a line of its own', async () => {
    const rig = new Rig();
    try {
      const upstream = await rig.upstream((_request, response) => response.end('body-of-the-upstream'));
      const request = [verifyJwt('check')];
      const log = logOf(1, true);
      const gateway = await rig.gateway({
        proxies: [
          proxyOf({ addresses: [upstream.url], pipelines: { request } }),
          proxyOf({ proxy: 'open', paths: ['/open'], addresses: [`${upstream.url}/base?key=of-the-upstream`] }),
        ],
        onExchange: (exchange) => log.note(exchange),
      });
      expect(artifactOf({ addresses: [upstream.url] }).proxy).toBe('orders');
      const secrets = ['s3cret-query', 's3cret-token', 's3cret-cookie', 's3cret-header'];
      const head = (target: string) =>
        `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer s3cret-token\r\n` +
        'Cookie: id=s3cret-cookie\r\nX-Key: s3cret-header\r\nUser-Agent: s3cret-header\r\n\r\n';
      await askRaw(gateway.port, head('/orders?access_token=s3cret-query'));
      await askRaw(gateway.port, head('/open/a%0A%7B%22level%22%3A%22info%22%7D?access_token=s3cret-query'));
      await askRaw(gateway.port, head('/open/x%00%1b%5B2J'));
      await askRaw(gateway.port, head(`/open/${'%C3%A9'.repeat(1_000)}`));
      await gateway.summary(4);
      const text = lines.join('');
      for (const secret of [...secrets, 'of-the-upstream']) expect(text).not.toContain(secret);
      expect(lines).toHaveLength(4);
      expect(text.split('\n')).toHaveLength(5);
      for (const line of lines) expect(line.length).toBeLessThan(2_048);
      expect(text).toMatch(/^[\x20-\x7e\n]*$/);
      expect(read().map(({ status }) => status)).toEqual([401, 200, expect.any(Number), 200]);
    } finally {
      await rig.stop();
    }
  });
});
