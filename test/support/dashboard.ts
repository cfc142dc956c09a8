import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Target {
  readonly refId?: string;
  readonly datasource?: { readonly uid: string };
  readonly expr: string;
  readonly legendFormat: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly Target[];
}

export interface Dashboard {
  readonly id: null;
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly __inputs: readonly { readonly name: string; readonly pluginId: string }[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: string | { query: string };
    }[];
  };
  readonly panels: readonly Panel[];
}

/** One query of a panel and the row that it stands in. */
export interface DashboardQuery extends Target {
  readonly row: string;
  readonly panel: string;
}

interface OfferedMetric {
  readonly labels: readonly string[];
  /** Whether it only ever rises: then only its rate or increase says anything. */
  readonly isCounter: boolean;
}

/** What a program offers, by name of metric as Prometheus sees it. */
export type OfferedMetrics = ReadonlyMap<string, OfferedMetric>;

const FILE = path.resolve(import.meta.dirname, '../../deploy/grafana/gatewarden.json');

export const readDashboard = (): Dashboard => JSON.parse(readFileSync(FILE, 'utf8')) as Dashboard;

/** Every query, and that of each variable, in the row `Variables`. */
export function queriesOf({ panels, templating }: Dashboard): readonly DashboardQuery[] {
  let row = '';
  const queries = panels.flatMap(({ type, title, targets = [] }): DashboardQuery[] => {
    if (type === 'row') row = title;
    return targets.map((target) => ({ row, panel: title, ...target }));
  });
  const variables = templating.list.flatMap(({ name, query }): DashboardQuery[] =>
    typeof query === 'string' ? [] : [{ row: 'Variables', panel: name, expr: query.query, legendFormat: '' }],
  );
  return [...queries, ...variables];
}

/** The expression of every alert, its group as the row. */
export function alertQueries(): readonly DashboardQuery[] {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../deploy/prometheus/alerts.yml'), 'utf8');
  let [row, panel] = ['', ''];
  return text.split('\n').flatMap((line): DashboardQuery[] => {
    const [, key, value = ''] = /^\s*(?:- )?(name|alert|expr): (.*)$/.exec(line) ?? [];
    if (key === 'name') row = value;
    if (key === 'alert') panel = value;
    return key === 'expr' ? [{ row, panel, expr: value, legendFormat: '' }] : [];
  });
}

/** The counters of one group of alerts that alert on any increase. */
export const countersThatAlert = (group: string): readonly string[] =>
  alertQueries()
    .filter(({ row }) => row === group)
    .flatMap(({ expr }) => [...expr.matchAll(/\bincrease\((\w+)/g)].map(([, name = '']) => name));

const OF_THE_SCRAPE = ['instance', 'job'];
const namesIn = (text: string): string[] => text.split(',').map((name) => name.trim());

/** What a query asks for that is not offered. */
export function notOffered({ expr, legendFormat }: DashboardQuery, offered: OfferedMetrics): readonly string[] {
  const bare = expr.replace(/"[^"]*"/g, '""');
  const asked = [...bare.matchAll(/\b((?:gatewarden|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)];
  const grouped = [...bare.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => namesIn(labels));
  const listed = [...bare.matchAll(/label_values\([^,]+, (\w+)\)/g)].map(([, label = '']) => label);
  const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  const missing = asked.flatMap(({ 1: name = '', 2: selectors = '', index }) => {
    const metric = offered.get(name);
    if (metric === undefined) return [name];
    const { labels, isCounter } = metric;
    const isRate = /(rate|increase)\($/.test(bare.slice(0, index));
    if (isRate !== isCounter && listed.length === 0) return [`${name} ${isCounter ? 'without' : 'with'} a rate`];
    const selected = selectors === '' ? [] : namesIn(selectors.replaceAll(/[=!~]+""/g, ''));
    return [...selected, ...grouped, ...listed]
      .filter((label) => ![...labels, ...OF_THE_SCRAPE].includes(label))
      .map((label) => `${name}{${label}}`);
  });
  const unseen = bare.includes('sum(') || grouped.length > 0 ? shown.filter((label) => !grouped.includes(label)) : [];
  return [...(asked.length === 0 ? ['no metric at all'] : missing), ...unseen.map((label) => `legend ${label}`)];
}

interface RegisteredMetric {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

/** What is in a registry of prom-client, whose types hide the names of labels. */
export function offeredBy(registry: { getMetricsAsArray(): readonly unknown[] }): OfferedMetrics {
  const metrics = registry.getMetricsAsArray() as readonly RegisteredMetric[];
  return new Map(
    metrics.flatMap(({ name, type, labelNames: labels }): (readonly [string, OfferedMetric])[] => {
      if (type !== 'histogram') return [[name, { labels, isCounter: type === 'counter' }]];
      const parts = { bucket: [...labels, 'le'], sum: labels, count: labels };
      return Object.entries(parts).map(([part, its]) => [`${name}_${part}`, { labels: its, isCounter: true }]);
    }),
  );
}

/** Panels that lie on each other, by their titles. */
export function overlaps(panels: readonly Panel[]): readonly string[] {
  return panels.flatMap(({ title, gridPos: a }, index) =>
    panels
      .slice(index + 1)
      .filter(({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
      .map((other) => `${title} and ${other.title}`),
  );
}
