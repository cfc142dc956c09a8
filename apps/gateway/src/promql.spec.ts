import { parser } from '@prometheus-io/lezer-promql';
import { alertQueries, queriesOf, readDashboard } from '../../../test/support/dashboard.ts';

/** Where Prometheus' own grammar does not understand a text, each place with what follows it. */
function misunderstood(expr: string): readonly string[] {
  const text = expr.replaceAll('$__rate_interval', '5m');
  const places: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from }) => {
      if (type.isError) places.push(`at ${from}: ${text.slice(from)}`);
    },
  });
  return places;
}

const inDashboard = queriesOf(readDashboard()).filter(({ row }) => row !== 'Variables');
const queries = [...alertQueries(), ...inDashboard].map(({ panel, refId = '', expr }) => [panel, refId, expr] as const);

describe('queries of alerts and dashboard', () => {
  it.each(queries)('%s %s is PromQL', (_panel, _refId, expr) => {
    expect(misunderstood(expr)).toEqual([]);
  });

  it.each([
    'sum(rate(gatewarden_requests_total[5m])',
    'sum by (status rate(gatewarden_requests_total[5m]))',
    'gatewarden_requests_total[5x]',
    'up == ',
    'up{job="a" instance="b"}',
    'histogramm_quantile(0.99, up)',
  ])('are not such as %s', (expr) => {
    expect(misunderstood(expr)).not.toEqual([]);
  });
});
