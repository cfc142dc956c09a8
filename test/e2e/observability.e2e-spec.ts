import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { proxyBody } from '../support/policies.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('a gateway that was asked for an access log and traces', () => {
  it('writes and sends what it answered, all of it at a stop, and nothing secret', async () => {
    const batches: string[] = [];
    const collector = http.createServer((request, response) => {
      void text(request).then((body) => {
        batches.push(body);
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
      });
    });
    collector.listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const gatewaySettings = {
      ...{ ACCESS_LOG_SAMPLE_RATE: '1', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
      OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=secret-of-the-collector',
    };
    const system = await GatewardenSystem.start(['production'], { gatewaysEach: 1, deployers: 0, gatewaySettings });
    try {
      await system.api('POST', '/apiops/projects/', { name: 'demo' });
      await system.api(
        'POST',
        '/apiops/projects/demo/apiProxies/url/',
        proxyBody('orders', '/orders', system.upstreamUrl, ['production']),
      );
      const { url, adminUrl, program } = system.gateway('production');
      const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
      const answer = await fetch(`${url}/orders/7?access_token=secret-in-a-query`, {
        headers: { traceparent, authorization: 'Bearer secret-token', cookie: 'id=secret-cookie' },
      });
      await answer.text();
      const missing = await fetch(`${url}/nowhere`);
      await missing.text();
      const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
      expect(metrics).toMatch(/^gatewarden_upstream_duration_seconds_count\{proxy="demo\/orders"\} 1$/m);
      expect(metrics).toMatch(/^gatewarden_upstream_connections\{origin="[^"]+",state="idle"\} 1$/m);
      expect(metrics).toMatch(/^gatewarden_requests_in_flight 0$/m);
      await program.signal('SIGTERM');
      const lines = program.output
        .split('\n')
        .filter((line) => line.includes('"msg":"access"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines).toMatchObject([
        {
          status: answer.status,
          path: '/orders/7',
          proxy: 'demo/orders',
          traceId: TRACE,
          upstream: system.upstreamUrl,
        },
        { status: 404, path: '/nowhere', fault: expect.any(String) as string },
      ]);
      const sent = batches.join('\n');
      expect(sent).toContain(TRACE);
      expect(sent).toContain(String(lines[0]?.['correlationId']));
      expect(`${program.output}${sent}`).not.toMatch(/secret-/);
    } finally {
      await system.stop();
      collector.close();
    }
  }, 120_000);
});
