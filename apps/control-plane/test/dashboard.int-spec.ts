import { alertQueries, notOffered, offeredBy, queriesOf, readDashboard } from '../../../test/support/dashboard.ts';
import { ControlPlaneMetrics } from '../src/operations/control-plane-metrics.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

describe('the Grafana dashboard and the alerts', () => {
  it('ask the control plane only for metrics and labels that it offers', async () => {
    const controlPlane = await RunningControlPlane.start();
    try {
      const offered = offeredBy(controlPlane.app.get(ControlPlaneMetrics).registry);
      const panels = queriesOf(readDashboard()).filter(({ row }) => row === 'Control plane');
      const alerts = alertQueries().filter(({ row }) => row === 'gatewarden-control-plane');
      expect([panels.length, alerts.length]).toEqual([5, 14]);
      const queries = [...panels, ...alerts];
      expect(queries.flatMap((query) => notOffered(query, offered).map((what) => `${query.panel}: ${what}`))).toEqual(
        [],
      );
    } finally {
      await controlPlane.close();
    }
  });
});
