import os from 'node:os';
import path from 'node:path';
import { gatewayKeyText, newGatewayKey } from '#libs/config-distribution';
import { createLogger } from '#libs/program-shell';
import {
  alertQueries,
  countersThatAlert,
  notOffered,
  offeredBy,
  overlaps,
  queriesOf,
  readDashboard,
} from '../../../test/support/dashboard.ts';
import { readGatewayConfig } from './config/gateway.config.ts';
import { joinParts } from './gateway-parts.ts';
import { ListenerJournal } from './metrics/listener-journal.ts';
import { REPORTED_PROBLEMS } from './metrics/reported-problems.ts';

const CONTROL_PLANE_ROW = 'Control plane';

/** All that a gateway offers, with everything turned on that is off by default. */
function gatewayMetrics() {
  const variables = {
    ...{ GATEWAY_ENVIRONMENT: 'test', GATEWAY_KEY: gatewayKeyText(newGatewayKey()) },
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', ACCESS_LOG_SAMPLE_RATE: '1' },
    SNAPSHOT_DIR: path.join(os.tmpdir(), 'never-opened'),
  };
  const config = readGatewayConfig(variables, 'edge');
  const logger = createLogger('silent');
  const parts = joinParts(config, logger, Date.now);
  // Offered by a gateway that speaks TLS.
  new ListenerJournal(logger, parts.metrics).observe(() => 0);
  return parts;
}

describe('the Grafana dashboard and the alerts', () => {
  const dashboard = readDashboard();
  const queries = queriesOf(dashboard);

  it('ask only for metrics and labels that a gateway offers', async () => {
    const parts = gatewayMetrics();
    try {
      const offered = offeredBy(parts.metrics.registry);
      const alerts = alertQueries().filter(({ row }) => row === 'gatewarden-gateways');
      expect(alerts.length).toBeGreaterThan(3);
      const ofGateways = [...queries.filter(({ row }) => row !== CONTROL_PLANE_ROW), ...alerts];
      expect(ofGateways.length).toBeGreaterThan(30);
      const missing = ofGateways.flatMap((query) =>
        notOffered(query, offered).map((what) => `${query.panel}: ${what}`),
      );
      expect(missing).toEqual([]);
    } finally {
      parts.redis.disconnect();
      await parts.observers.close();
    }
  });

  it('alert on the first event: each counter whose increase alerts stands at 0 in a gateway that just started', async () => {
    const parts = gatewayMetrics();
    try {
      const names = countersThatAlert('gatewarden-gateways');
      expect(names.length).toBeGreaterThan(2);
      const values = async (name: string) => (await parts.metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
      for (const name of names) {
        const counts = (await values(name)).map(({ value }) => value);
        expect([name, counts.length > 0, new Set(counts)]).toEqual([name, true, new Set([0])]);
      }
      const problems = (await values('gatewarden_reports_total')).map(({ labels }) => labels['problem']);
      expect(problems).toEqual(REPORTED_PROBLEMS);
      const alarms = (await values('gatewarden_token_alarms_total')).map(({ labels }) => labels['alarm']);
      expect(alarms).toEqual(expect.arrayContaining(['refresh-token-reused', 'refresh-token-altered']));
    } finally {
      parts.redis.disconnect();
      await parts.observers.close();
    }
  });

  it('the dashboard can be imported into any Grafana: its data source is a variable, its ids and places are its own', () => {
    expect(dashboard).toMatchObject({ id: null, uid: 'gatewarden', title: 'Gatewarden' });
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(dashboard.__inputs.map(({ pluginId }) => pluginId)).toEqual(['prometheus']);
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, datasource, targets = [] } of dashboard.panels) {
      if (type === 'row') continue;
      expect([datasource, ...targets.map((target) => target.datasource)].map((source) => source?.uid)).toEqual(
        Array<string>(targets.length + 1).fill('${datasource}'),
      );
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
  });

  it('the dashboard has a title, a description and a unit on every panel, and no panel on another', () => {
    const panels = dashboard.panels.filter(({ type }) => type !== 'row');
    const bare = panels.filter(({ title, description, fieldConfig }) =>
      [title, description, fieldConfig?.defaults.unit].some((text) => text === undefined || text === ''),
    );
    expect(bare.map(({ id, title }) => `${id} ${title}`)).toEqual([]);
    expect(overlaps(dashboard.panels)).toEqual([]);
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it('the dashboard uses only variables that it has', () => {
    const own = dashboard.templating.list.map(({ name }) => name);
    const used = queries.flatMap(({ expr }) => [...expr.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name));
    expect(used.length).toBeGreaterThan(30);
    expect(used.filter((name) => ![...own, '__rate_interval'].includes(name))).toEqual([]);
  });

  it('the dashboard shows which upstream addresses take no part', () => {
    expect(queries.some(({ expr }) => expr.includes('gatewarden_upstream_ejected'))).toBe(true);
  });
});
