import type { ApplyOutcome, ChannelKeys, ConfigFollower, IncomingChange } from '#libs/config-distribution';
import type { ActiveGateway } from './active-gateway.ts';
import type { Journal } from './journal.ts';
import type { SnapshotStore } from './snapshot/snapshot-store.ts';

export interface AppliedChangesDeps {
  readonly active: ActiveGateway;
  readonly snapshot: SnapshotStore;
  readonly journal: Journal;
}

const FILES_WRITTEN_AT_ONCE = 16;

/** Makes changes live, keeps on disk what is, and says what is not. */
export class AppliedChanges {
  constructor(private readonly deps: AppliedChangesDeps) {}

  /** Those that the last run left on disk. */
  bringBack(changes: readonly IncomingChange[], follower: ConfigFollower): void {
    const outcomes = this.deps.active.apply(changes);
    for (const { change } of changes) {
      const outcome = outcomes.get(change.proxyId);
      if (outcome?.applied === true) follower.remember(change.proxyId, change.deployment);
      else this.deps.journal.rejected(change, outcome?.reason ?? 'not applied');
    }
  }

  /** In memory first, so that it serves; on disk before it is acknowledged. */
  async apply(keys: ChannelKeys, changes: readonly IncomingChange[]): Promise<ReadonlyMap<string, ApplyOutcome>> {
    const { active, journal } = this.deps;
    const outcomes = active.apply(changes);
    const kept: IncomingChange[] = [];
    for (const incoming of changes) {
      const outcome = outcomes.get(incoming.change.proxyId);
      if (outcome?.applied === true) {
        kept.push(incoming);
        journal.applied(incoming.change);
      } else journal.rejected(incoming.change, outcome?.reason ?? 'not applied');
    }
    for (let at = 0; at < kept.length; at += FILES_WRITTEN_AT_ONCE) {
      await Promise.all(kept.slice(at, at + FILES_WRITTEN_AT_ONCE).map((one) => this.keep(keys, one)));
    }
    return outcomes;
  }

  private async keep(keys: ChannelKeys, incoming: IncomingChange): Promise<void> {
    try {
      await this.deps.snapshot.save(keys, incoming);
    } catch (error) {
      this.deps.journal.snapshotNotWritten(error);
    }
  }
}
