import net from 'node:net';
import { CapturedLog } from '#libs/program-shell/testing';
import { ask, open, proxyOf, Rig } from '../http-server/testing/rig.ts';
import { GatewayMetrics } from './gateway-metrics.ts';
import { OverloadJournal } from './overload-journal.ts';

describe('the journal of overload', () => {
  it('counts every refusal and writes the first of a reason, and again after a while', () => {
    const log = new CapturedLog();
    const problems: string[] = [];
    let nowMs = 0;
    const journal = new OverloadJournal(log.logger, { countReport: (problem) => problems.push(problem) }, () => nowMs);
    for (const reason of ['memory', 'memory', 'connections']) journal.refused(reason);
    nowMs = 10_000;
    journal.refused('memory');
    expect(problems).toEqual(['overload', 'overload', 'overload', 'overload']);
    expect(log.lines.map(({ level, reason }) => [level, reason])).toEqual([
      ['warn', 'memory'],
      ['warn', 'connections'],
      ['warn', 'memory'],
    ]);
  });

  it('hears of every request and connection that a traffic server turns away', async () => {
    const rig = new Rig();
    const log = new CapturedLog();
    const metrics = new GatewayMetrics();
    const journal = new OverloadJournal(log.logger, metrics, () => performance.now());
    try {
      let arrive: () => void = () => undefined;
      const arrived = new Promise<void>((resolve) => (arrive = resolve));
      const upstream = await rig.upstream(() => arrive());
      const gateway = await rig.gateway({
        proxies: [proxyOf({ addresses: [upstream.url] })],
        limits: { maxRequestsInFlight: 1, maxConnections: 2 },
        onOverload: (reason) => journal.refused(reason),
      });
      const question = { port: gateway.port, path: '/orders' };
      const held = open(question).on('error', () => undefined);
      held.end();
      await arrived;
      const refused = await ask(question);
      expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
      net.connect(gateway.port, '127.0.0.1');
      const above = net.connect(gateway.port, '127.0.0.1').on('error', () => undefined);
      await new Promise((resolve) => above.on('close', resolve));
      expect(log.lines.map(({ reason }) => reason)).toEqual(['requests in flight', 'connections']);
      expect(await metrics.registry.metrics()).toContain('gatewarden_reports_total{problem="overload"} 2');
    } finally {
      await rig.stop();
    }
  });
});
