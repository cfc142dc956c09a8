import type { ChangeRecord } from './messages.ts';

export type ApplyOutcome = { readonly applied: true } | { readonly applied: false; readonly reason: string };

export interface Rejection {
  readonly deployment: number;
  readonly reason: string;
}

/** Whoever plants records chooses their proxy ids: only so many are remembered. */
const UNREADABLE_REMEMBERED = 1_000;

/** What a gateway did with the deployments of each proxy. Nothing here costs more with more proxies. */
export class FollowedDeployments {
  private readonly byProxy = new Map<string, number>();
  private readonly rejected = new Map<string, Rejection>();
  /** Changes whose artifact is not there yet. */
  waiting: readonly ChangeRecord[] = [];
  /** Deployments by proxy whose newest record does not open. */
  private readonly unreadable = new Map<string, number>();
  /** Deployments by proxy that are the newest in the log and older than what was applied. */
  private readonly refused = new Map<string, number>();
  private highestApplied = 0;

  get rejections(): ReadonlyMap<string, Rejection> {
    return this.rejected;
  }

  /** The highest deployment applied to any proxy; 0 before the first. */
  get highest(): number {
    return this.highestApplied;
  }

  get unsettled(): readonly number[] {
    return [...this.waiting.map(({ deployment }) => deployment), ...this.unread().map(([, deployment]) => deployment)];
  }

  /** Proxies whose newest change is not applied; those that anybody could have planted come last. */
  unapplied(): readonly string[] {
    const newestFirst = [...this.rejected].sort(([, one], [, other]) => other.deployment - one.deployment);
    const known = newestFirst.map(([proxyId]) => proxyId);
    const waiting = this.waiting.map(({ proxyId }) => proxyId);
    return [...new Set([...known, ...this.refused.keys(), ...waiting, ...this.unread().map(([proxyId]) => proxyId)])];
  }

  appliedTo(proxyId: string): number {
    return this.byProxy.get(proxyId) ?? 0;
  }

  remember(proxyId: string, deployment: number): void {
    this.byProxy.set(proxyId, Math.max(deployment, this.appliedTo(proxyId)));
    this.highestApplied = Math.max(this.highestApplied, deployment);
  }

  noteUnreadable({ proxyId, deployment }: { readonly proxyId: string; readonly deployment: number }): void {
    if (this.unreadable.size < UNREADABLE_REMEMBERED) this.unreadable.set(proxyId, deployment);
  }

  /** Whether it is still to be applied. */
  isNews({ proxyId, deployment }: ChangeRecord): boolean {
    return deployment > this.appliedTo(proxyId) && deployment > (this.rejected.get(proxyId)?.deployment ?? 0);
  }

  /** Takes note of a proxy's newest change in the log; whether it is older than what was applied, and so refused. */
  isRefused({ proxyId, deployment }: ChangeRecord): boolean {
    if (deployment < this.appliedTo(proxyId)) this.refused.set(proxyId, deployment);
    else this.refused.delete(proxyId);
    return this.refused.has(proxyId);
  }

  /**
   * Everything is read again.
   *
   * @param isOtherLog another log than before, as a whole: what did not open stood in that one, and says nothing of this.
   */
  forget({ isOtherLog }: { readonly isOtherLog: boolean }): void {
    this.refused.clear();
    if (isOtherLog) this.unreadable.clear();
  }

  reject({ proxyId, deployment }: ChangeRecord, reason: string): void {
    this.rejected.set(proxyId, { deployment, reason });
  }

  applied({ proxyId, deployment }: ChangeRecord): void {
    this.remember(proxyId, deployment);
    this.rejected.delete(proxyId);
    if ((this.unreadable.get(proxyId) ?? Infinity) <= deployment) this.unreadable.delete(proxyId);
  }

  /** Undefined: neither applied nor rejected. */
  outcomeOf({ proxyId, deployment }: ChangeRecord): ApplyOutcome | undefined {
    if (this.refused.has(proxyId)) return undefined;
    const rejection = this.rejected.get(proxyId);
    if (rejection?.deployment === deployment) return { applied: false, reason: rejection.reason };
    return this.appliedTo(proxyId) >= deployment ? { applied: true } : undefined;
  }

  private unread(): [string, number][] {
    return [...this.unreadable].filter(([proxyId, deployment]) => deployment > this.appliedTo(proxyId));
  }
}
