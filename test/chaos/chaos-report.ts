import { type GatewardenSystem } from '../support/gatewarden-system.ts';
import { type GatewayWatcher } from './gateway-watcher.ts';
import { type SentChange } from './writer.ts';

interface Run {
  readonly seed: number;
  readonly seconds: number;
  readonly settledAfterMs: number;
  readonly sent: readonly SentChange[];
  readonly watchers: readonly GatewayWatcher[];
  /** By victim and what was done to it. */
  readonly strikes: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
}

export interface ChaosReport {
  readonly seed: number;
  /** What was counted, in the order in which it is shown. */
  readonly figures: readonly (readonly [what: string, figure: string])[];
  /** Empty: everything was kept. */
  readonly violations: readonly string[];
}

interface Counts {
  readonly deployments: string;
  readonly superseded: string;
  readonly again: string;
  readonly restarts: string;
}

/** What a run was, in figures. */
export async function reportOf(system: GatewardenSystem, run: Run): Promise<ChaosReport> {
  const count = (outcome: SentChange['outcome']) => run.sent.filter((change) => change.outcome === outcome).length;
  const sum = (of: (watcher: GatewayWatcher) => number) => run.watchers.reduce((total, one) => total + of(one), 0);
  const { deployments, superseded, again, restarts } = await countsOf(system);
  const figures: [string, number | string][] = [
    ['seconds, all in all', run.seconds.toFixed(0)],
    ['changes sent', run.sent.length],
    ['… answered', count('answered')],
    ['… answered when sent again', run.sent.filter((one) => one.outcome === 'answered' && one.sends > 1).length],
    ['… refused', count('refused')],
    ['… never answered', count('unanswered')],
    ...[...run.strikes].sort(([left], [right]) => left.localeCompare(right)),
    ['deployments', deployments],
    ['… superseded by newer ones', superseded],
    ['… by which a Redis was repaired', again],
    ['logs of a Redis begun anew', restarts],
    ['requests to changed proxies', sum((one) => one.requests)],
    ['requests to the proxy that nobody touched', sum((one) => one.quietRequests)],
    ['failed requests', sum((one) => one.failureCount)],
    ['settled after, in seconds', (run.settledAfterMs / 1_000).toFixed(1)],
  ];
  return {
    seed: run.seed,
    figures: figures.map(([what, figure]) => [what, String(figure)]),
    violations: run.violations,
  };
}

async function countsOf(system: GatewardenSystem): Promise<Counts> {
  const { rows } = await system.database.pool.query<Counts>(
    `select count(*) filter (where type = 'DeploymentRequested') as deployments,
       count(*) filter (where type = 'DeploymentSuperseded') as superseded,
       count(*) filter (where type = 'DeploymentRequested' and metadata ->> 'requestId' = 'channel-repair') as again,
       count(*) filter (where type = 'ChannelRestarted') as restarts from events`,
  );
  if (rows[0] === undefined) throw new Error('nothing was counted');
  return rows[0];
}

/** As a table for people. */
export function textOf({ seed, figures, violations }: ChaosReport): string {
  const widest = Math.max(...figures.map(([what]) => what.length));
  const lines = figures.map(([what, figure]) => `  ${what.padEnd(widest)}  ${figure.padStart(8)}`);
  const verdict = violations.length === 0 ? 'everything was kept' : `NOT KEPT:\n  - ${violations.join('\n  - ')}`;
  return [`seed ${seed}`, ...lines, verdict].join('\n');
}
