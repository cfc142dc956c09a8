import os from 'node:os';
import path from 'node:path';
import { gatewayKeyText, newGatewayKey } from '#libs/config-distribution';
import { createLogger } from '#libs/program-shell';
import { alertQueries, notOffered, offeredBy, queriesOf, readDashboard } from '../../../test/support/dashboard.ts';
import { readGatewayConfig } from './config/gateway.config.ts';
import { joinParts } from './gateway-parts.ts';

const CONTROL_PLANE_ROW = 'Control plane';

/** All that a gateway offers, with everything turned on that is off by default. */
function gatewayMetrics() {
  const variables = {
    ...{ GATEWAY_ENVIRONMENT: 'test', GATEWAY_KEY: gatewayKeyText(newGatewayKey()) },
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', ACCESS_LOG_SAMPLE_RATE: '1' },
    SNAPSHOT_DIR: path.join(os.tmpdir(), 'never-opened'),
  };
  const config = readGatewayConfig(variables, 'edge');
  return joinParts(config, createLogger('silent'), Date.now);
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

  it('the dashboard can be imported into any Grafana: its data source is a variable, its ids and places are its own', () => {
    expect(dashboard).toMatchObject({ id: null, uid: 'gatewarden', title: 'Gatewarden' });
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(dashboard.__inputs.map(({ pluginId }) => pluginId)).toEqual(['prometheus']);
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, datasource, gridPos, targets } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      if (type === 'row') continue;
      expect(datasource?.uid).toBe('${datasource}');
      expect(targets?.length).toBeGreaterThan(0);
    }
    const places = dashboard.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(places.length);
  });
});
