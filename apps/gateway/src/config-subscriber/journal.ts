import type { ChannelReport, ChangeRecord } from '#libs/config-distribution';
import type { KeySetOrders } from '#libs/policy-contracts';
import { errorFacts, type Logger } from '#libs/program-shell';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import type { RouteContest } from '../router/router.ts';
import type { SnapshotFault } from './snapshot/snapshot-store.ts';

/** The same complaint is written again only after this long. */
export const COMPLAINT_EVERY_MS = 60_000;

const REPORT_TEXTS: Readonly<Record<ChannelReport['problem'], string>> = {
  empty: 'Redis holds no configuration any more: serving on with the last one',
  gap: 'records of the configuration log are missing: loading everything again',
  restored: 'Redis holds another log than before, perhaps an old copy: loading everything again',
  'wrong-position': 'Redis says that the configuration log is shorter than it is: the log itself is believed',
  'altered-record': 'a record was not sealed by the control plane: refused',
  'altered-artifact': 'an artifact was not sealed by the control plane for this deployment: refused',
  'altered-checkpoint': 'the checkpoint was not sealed by the control plane: refused',
  'altered-hint': 'a hint at a change was not sealed by the control plane: passed over, the log is read',
  'altered-last-good': 'a last good artifact was not sealed by the control plane for this deployment: refused',
  older: 'an older deployment than the one applied: refused',
  'missing-artifact': 'an artifact is not there yet: waiting for it',
  'last-good': 'the newest deployment cannot be served here: the last good one is',
};

/**
 * Why orders are not obeyed: they were not sealed for this place, they are of no shape that is known here, or they are
 * older than those that are obeyed.
 */
export type RefusedOrders = 'altered-orders' | 'unreadable-orders' | 'older-orders';

const ORDERS_REFUSED: Readonly<Record<RefusedOrders, string>> = {
  'altered-orders': 'orders about key sets were not sealed by the control plane: refused',
  'unreadable-orders': 'orders about key sets are of a form that this gateway does not know: those before are obeyed',
  'older-orders': 'orders about key sets are older than those that are obeyed: refused',
};

const REFUSED_IDENTITY = {
  altered: 'an identity record was not sealed by the control plane: treated as absent',
  older: 'an identity record is older than the one that was read before: that one counts',
} as const;

const nameOf = ({ project, proxy }: RouteContest['keeper']): string => `${project}/${proxy}`;

/** How Redis refuses a command on a key that is, say, a list instead of a hash; from within a script, too. */
const OTHER_KIND = /\bWRONGTYPE\b/;
const CHANNEL_DOWN = {
  'redis-down': 'Redis cannot be reached: serving on, looking again',
  'other-kind':
    'a key in Redis is of another kind than any gateway or control plane makes it: serving on, looking again',
} as const;

/** Says what happens to the configuration: as log lines and metrics, each thing once. No line holds a secret. */
export class Journal {
  private isChannelDown = false;
  private complaint: { readonly text: string; readonly atMs: number } | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly metrics: GatewayMetrics,
    private readonly nowMs: () => number = Date.now,
  ) {}

  reported({ problem, ...facts }: ChannelReport): void {
    this.metrics.countReport(problem);
    this.logger.warn({ problem, ...facts }, REPORT_TEXTS[problem]);
  }

  applied({ project, proxy, deployment, kind }: ChangeRecord): void {
    const text = kind === 'tombstone' ? 'proxy removed' : 'deployment applied';
    this.logger.info({ project, proxy, deployment }, text);
  }

  rejected({ project, proxy, proxyId, deployment }: ChangeRecord, reason: string): void {
    this.metrics.countReport('rejected');
    this.logger.error({ project, proxy, proxyId, deployment, reason }, 'deployment rejected: the older one serves on');
  }

  snapshotLoaded(proxies: number): void {
    this.logger.info({ proxies }, 'serving the last configuration from the snapshot');
  }

  snapshotFault({ file, problem }: SnapshotFault): void {
    this.metrics.countReport(`snapshot-${problem}`);
    this.logger.error({ file, problem }, 'a snapshot file is broken or altered: ignored');
  }

  snapshotNotWritten(error: unknown): void {
    this.metrics.countReport('snapshot-not-written');
    this.logger.error({ reason: errorFacts(error).reason }, 'the snapshot could not be written');
  }

  identityRefused(kind: string, problem: 'altered' | 'older'): void {
    const report = `${problem}-identity` as const;
    this.metrics.countReport(report);
    this.logger.warn({ kind, problem: report }, REFUSED_IDENTITY[problem]);
  }

  ordersObeyed(version: number, { flushes, denied }: KeySetOrders): void {
    this.logger.info({ version, flushes: flushes.length, denied: denied.length }, 'orders about key sets are obeyed');
  }

  ordersRefused(problem: RefusedOrders, version: number): void {
    this.metrics.countReport(problem);
    this.logger.warn({ problem, version }, ORDERS_REFUSED[problem]);
  }

  /** Once for each outage. */
  channelDown(error: unknown): void {
    if (this.isChannelDown) return;
    this.isChannelDown = true;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const { reason } = errorFacts(cause);
    const problem = OTHER_KIND.test(String(reason)) ? 'other-kind' : 'redis-down';
    this.metrics.countReport(problem);
    this.logger.warn({ problem, reason }, CHANNEL_DOWN[problem]);
  }

  /** Once for each connection. */
  redisEvicts(policy: string): void {
    this.metrics.countReport('redis-evicts');
    this.logger.warn({ policy }, 'Redis throws keys away when it is full: set maxmemory-policy to noeviction');
  }

  channelUp(): void {
    if (this.isChannelDown) this.logger.info('Redis is reached again');
    this.isChannelDown = false;
  }

  /** Something a person must put right; repeated at a sane rate while it lasts. */
  complain(level: 'warn' | 'error', text: string): void {
    const now = this.nowMs();
    const isKnown = this.complaint?.text === text && now - this.complaint.atMs < COMPLAINT_EVERY_MS;
    if (isKnown) return;
    this.complaint = { text, atMs: now };
    if (level === 'error') this.metrics.countReport('not-admitted');
    this.logger[level](level === 'error' ? { problem: 'not-admitted' } : {}, text);
  }

  /** The complaint is over; the next one of its kind is news. */
  admittedAgain(): void {
    this.complaint = undefined;
    this.logger.info('GATEWAY_KEY is accepted again');
  }

  /** Told once for as long as it lasts. */
  routeContested({ host, path, method, headers, keeper, loser }: RouteContest): void {
    this.metrics.countReport('contested-route');
    const facts = { host, path, method, headers, keeper: nameOf(keeper), loser: nameOf(loser) };
    this.logger.warn(facts, 'two proxies claim the same route: the one whose id sorts first keeps it');
  }

  unexpected(error: unknown): void {
    this.metrics.countReport('unexpected');
    this.logger.error(errorFacts(error), 'the configuration could not be looked at');
  }
}
