import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { REPORTED_PROBLEMS } from './metrics/reported-problems.ts';

const fileText = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${file}`, import.meta.url)), 'utf8');
const alerts = fileText('deploy/prometheus/alerts.yml');
const page = fileText('docs/how-to/watch-and-alert.md');
const metricsPage = fileText('docs/reference/metrics.md');
const reference = metricsPage + fileText('docs/how-to/verify-the-audit-trail.md');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

interface Group {
  readonly name: string;
  readonly rules: readonly Alert[];
}

const { groups } = parse(alerts) as { readonly groups: readonly Group[] };
const declared = groups.flatMap(({ rules }) => rules);
/** The cells of each row about an alert, by its name. */
const explained = new Map(
  [...page.matchAll(/^\| `([A-Z]\w+)` \| (.*) \|$/gm)].map(([, name = '', cells = '']) => [name, cells.split(' | ')]),
);
const metricsIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/\bgatewarden_[a-z0-9_]*[a-z0-9]/g)].map(([name]) => name));

/** The limit that a value is compared with, last in its rule; none for 0, which speaks for itself. */
function limitIn(expr: string): number | undefined {
  const [, limit = '0'] = /(?:[<>]|==) ([\d.]+)$/.exec(expr) ?? [];
  return Number(limit) === 0 ? undefined : Number(limit);
}

/** The number as a page may tell it. */
const spellings = (limit: number): readonly string[] => [
  limit.toLocaleString('en-US'),
  ...(limit < 1 ? [`${limit * 100} %`] : [`${limit / 60} minutes`, `${limit / 86_400} days`]),
];

/** What a row says of when an alert comes, without all that its rule says too. */
function untrue(when: string, { expr, for: since = '' }: Pick<Alert, 'expr' | 'for'>): string {
  const windows = [...expr.matchAll(/increase\([^)]*\[(\d+)m\]/g)].map(([, minutes]) => `in ${minutes} minutes`);
  const limit = limitIn(expr);
  const [told = ''] = limit === undefined ? [] : spellings(limit).filter((text) => when.includes(text));
  const sinceText = since === '1m' ? 'for 1 minute' : `for ${Number.parseInt(since, 10)} minutes`;
  const known = [told, ...windows, since === '' ? '' : sinceText, 'p99', '5xx'];
  const isToldAll = (limit === undefined || told !== '') && (since === '' || when.endsWith(sinceText));
  const rest = known.filter((text) => text !== '').reduce((text, part) => text.replace(part, ''), when);
  return isToldAll && !/\d/.test(rest) ? '' : `${when} of ${expr}${since === '' ? '' : ` for ${since}`}`;
}

describe('the alerts', () => {
  it('have all that Prometheus asks for, and nothing that it does not know', () => {
    for (const group of groups) {
      const { name, rules } = group;
      expect([name, Object.keys(group)]).toEqual([expect.stringMatching(/^gatewarden-/), ['name', 'rules']]);
      for (const rule of rules) {
        expect(['alert', 'expr', 'for', 'labels', 'annotations']).toEqual(expect.arrayContaining(Object.keys(rule)));
        expect(rule.for ?? '1m').toMatch(/^\d+m$/);
        expect(Object.keys(rule.labels)).toEqual(['severity']);
        expect(rule.labels.severity).toMatch(/^(?:critical|warning)$/);
        expect(Object.keys(rule.annotations)).toEqual(['summary']);
        expect(rule.annotations.summary).not.toBe('');
        const brackets = rule.expr.replace(/"[^"]*"|[^()[\]{}]/g, '');
        expect([rule.alert, unpaired(brackets)]).toEqual([rule.alert, '']);
      }
    }
  });

  it('speak of the targets of the jobs that are beside them', () => {
    const { scrape_configs: jobs } = parse(fileText('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string }[];
    };
    const [, pattern = ''] = /^up\{job=~"([^"]+)"\} == 0$/.exec(declared[0]?.expr ?? '') ?? [];
    expect(jobs.length).toBeGreaterThan(1);
    for (const { job_name: name } of jobs) expect(name).toMatch(new RegExp(`^(?:${pattern})$`));
  });
});

const unpaired = (brackets: string): string => {
  const shorter = brackets.replace(/\(\)|\[\]|\{\}/g, '');
  return shorter === brackets ? brackets : unpaired(shorter);
};

describe('the page about alerts', () => {
  it('tells of each alert when it comes, why, and what to do first', () => {
    expect(declared.length).toBeGreaterThan(20);
    expect([...explained.keys()]).toEqual(declared.map(({ alert }) => alert));
    for (const [name, cells] of explained) expect([name, cells.length, cells.includes('')]).toEqual([name, 3, false]);
  });

  it.each(declared.map((rule) => [rule.alert, rule] as const))('says of %s what the rule says', (name, rule) => {
    const [when = ''] = explained.get(name) ?? [];
    expect(when.split(':')[0]).toBe(rule.labels.severity);
    expect(untrue(when, rule)).toBe('');
  });

  it('says with other numbers what the rule does not say', () => {
    const [rule] = declared.filter(({ alert }) => alert === 'GatewayAnswersWithServerErrors');
    const when = explained.get('GatewayAnswersWithServerErrors')?.[0] ?? '';
    if (rule === undefined) throw new Error('there is no such alert');
    for (const other of [
      { ...rule, expr: rule.expr.replace('0.05', '0.5') },
      { ...rule, for: '6m' },
      { expr: rule.expr },
    ])
      expect(untrue(when, other)).not.toBe('');
  });

  it('leads to a row about every problem that a gateway reports', () => {
    const [, table = ''] = metricsPage.split('### Problems');
    const told = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names = '']) => names.match(/[\w-]+/g) ?? []);
    expect(told.filter((name) => name !== 'problem').sort()).toEqual([...REPORTED_PROBLEMS].sort());
  });

  it('has an alert for every metric, or a sentence why there is none', () => {
    const [, without = ''] = page.split('## Without an alert');
    const [alerted, excused] = [metricsIn(alerts), metricsIn(without)];
    const known = metricsIn(reference.replaceAll('`gatewarden_history_…`', ''));
    expect(known.size).toBeGreaterThan(70);
    expect([...known].filter((name) => !alerted.has(name) && !excused.has(name))).toEqual([]);
    expect([...excused].filter((name) => !known.has(name))).toEqual([]);
    expect([...alerted].filter((name) => !known.has(name))).toEqual([]);
  });
});
