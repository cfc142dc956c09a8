import type { ChangeRecord } from './messages.ts';

/** Keeps of each proxy only the change with the highest deployment, whatever order they come in. */
export class NewestChanges {
  private readonly byProxy = new Map<string, ChangeRecord>();

  constructor(changes: Iterable<ChangeRecord> = []) {
    for (const change of changes) this.add(change);
  }

  add(change: ChangeRecord): void {
    const held = this.byProxy.get(change.proxyId);
    if (held === undefined || change.deployment > held.deployment) this.byProxy.set(change.proxyId, change);
  }

  values(): ChangeRecord[] {
    return [...this.byProxy.values()];
  }
}
