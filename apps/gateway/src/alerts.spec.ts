import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const fileText = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${file}`, import.meta.url)), 'utf8');
const alerts = fileText('deploy/prometheus/alerts.yml');
const page = fileText('docs/how-to/watch-and-alert.md');
const reference = fileText('docs/reference/metrics.md') + fileText('docs/how-to/verify-the-audit-trail.md');

interface Alert {
  readonly name: string;
  readonly minutes: string | undefined;
  readonly severity: string | undefined;
  readonly summary: string | undefined;
}

const declared: readonly Alert[] = alerts
  .split(/^ {6}- alert: /m)
  .slice(1)
  .map((text) => ({
    name: text.split('\n')[0] ?? '',
    minutes: /^ +for: (\d+)m$/m.exec(text)?.[1],
    severity: /severity: (\w+)/.exec(text)?.[1],
    summary: /summary: '(.+)'/.exec(text)?.[1],
  }));
/** The cells of each row about an alert, by its name. */
const explained = new Map(
  [...page.matchAll(/^\| `([A-Z]\w+)` \| (.*) \|$/gm)].map(([, name = '', cells = '']) => [name, cells.split(' | ')]),
);
const metricsIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/\bgatewarden_[a-z0-9_]*[a-z0-9]/g)].map(([name]) => name));

describe('the page about alerts', () => {
  it('tells of each alert when it comes, why, and what to do first', () => {
    expect(declared.length).toBeGreaterThan(20);
    expect([...explained.keys()]).toEqual(declared.map(({ name }) => name));
    for (const [name, cells] of explained) expect([name, cells.length, cells.includes('')]).toEqual([name, 3, false]);
  });

  it.each(declared.map((alert) => [alert.name, alert] as const))('says of %s what the rule says', (name, alert) => {
    const [when = ''] = explained.get(name) ?? [];
    expect(when.split(':')[0]).toBe(alert.severity);
    expect(/for (\d+) minutes?$/.exec(when)?.[1]).toBe(alert.minutes);
    expect(alert.summary).toBeDefined();
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
