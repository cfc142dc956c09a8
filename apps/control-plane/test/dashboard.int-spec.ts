import {
  alertQueries,
  countersThatAlert,
  notOffered,
  offeredBy,
  queriesOf,
  readDashboard,
} from '../../../test/support/dashboard.ts';
import { ControlPlaneMetrics } from '../src/operations/control-plane-metrics.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

describe('the Grafana dashboard and the alerts', () => {
  it('ask the control plane only for metrics and labels that it offers', async () => {
    const controlPlane = await RunningControlPlane.start();
    try {
      const offered = offeredBy(controlPlane.app.get(ControlPlaneMetrics).registry);
      const panels = queriesOf(readDashboard()).filter(({ row }) => row === 'Control plane');
      const alerts = alertQueries().filter(({ row }) => row === 'gatewarden-control-plane');
      expect([panels.length, alerts.length]).toEqual([5, 15]);
      const queries = [...panels, ...alerts];
      expect(queries.flatMap((query) => notOffered(query, offered).map((what) => `${query.panel}: ${what}`))).toEqual(
        [],
      );

      // Of a series that is born at 1 no increase is seen: it must be there before the first event.
      const { name: environment } = await controlPlane.environment();
      expect(countersThatAlert('gatewarden-control-plane')).toEqual(['gatewarden_foreign_leases_total']);
      const { body } = await controlPlane.app.inject({ method: 'GET', url: '/metrics' });
      expect(body).toContain(`gatewarden_foreign_leases_total{environment="${environment}"} 0\n`);
    } finally {
      await controlPlane.close();
    }
  });
});
