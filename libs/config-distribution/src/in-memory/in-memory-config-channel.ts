import { randomUUID } from 'node:crypto';
import {
  LEASE_MS,
  type ConfigChannel,
  type LogPosition,
  type PublishedChange,
  type PublishOutcome,
  type StoredArtifact,
  type StoredCheckpoint,
  type StoredIdentity,
  type StoredLease,
  type StoredRecord,
  type Watch,
} from '../config-channel.port.ts';

/** The channel without a Redis: the same promises, for tests of what stands on either side of it. */
export class InMemoryConfigChannel implements ConfigChannel {
  private epoch: string | undefined;
  private sequence = 0;
  private log: StoredRecord[] = [];
  private stored: StoredCheckpoint | undefined;
  private readonly heads = new Map<string, { deployment: number; sequence: number }>();
  private readonly held = new Map<string, StoredArtifact>();
  private readonly keyRing = new Map<string, string>();
  private readonly gatewayLeases = new Map<string, { sealed: string; atMs: number }>();
  private readonly identities = new Map<string, StoredIdentity>();
  private readonly watchers = { changes: new Set<() => void>(), leases: new Set<() => void>() };

  constructor(private readonly nowMs: () => number = Date.now) {}

  async publish(change: PublishedChange): Promise<PublishOutcome> {
    const held = this.heads.get(change.proxyId);
    const head = held?.deployment === change.disbelieved ? undefined : held;
    const isLogged = head !== undefined && head.sequence > 0;
    if (isLogged && this.epoch !== undefined && head.deployment === change.deployment) {
      this.announce('changes');
      return { kind: 'repeated', position: { epoch: this.epoch, sequence: head.sequence } };
    }
    if (head !== undefined && change.deployment < head.deployment) {
      return { kind: 'stale', heldDeployment: head.deployment };
    }
    this.epoch ??= randomUUID();
    this.sequence += 1;
    this.heads.set(change.proxyId, { deployment: change.deployment, sequence: this.sequence });
    if (change.artifact === null) this.held.delete(change.proxyId);
    else this.held.set(change.proxyId, { deployment: change.deployment, sealed: change.artifact });
    const { proxyId, deployment, record: sealed } = change;
    this.log.push({ sequence: this.sequence, proxyId, deployment, sealed });
    this.announce('changes');
    return { kind: 'published', position: { epoch: this.epoch, sequence: this.sequence } };
  }

  async writeCheckpoint(position: LogPosition, sealed: string): Promise<boolean> {
    if (this.epoch === undefined) {
      this.epoch = position.epoch;
      this.sequence = position.sequence;
    }
    if (position.epoch !== this.epoch) return false;
    if (this.stored?.position.epoch === this.epoch && position.sequence <= this.stored.position.sequence) return false;
    this.stored = { position, sealed };
    return true;
  }

  async restart(epoch: string, begin: StoredCheckpoint): Promise<boolean> {
    if (this.epoch !== epoch) return false;
    this.epoch = begin.position.epoch;
    this.sequence = 0;
    this.log = [];
    this.stored = begin;
    for (const [proxyId, { deployment }] of this.heads) this.heads.set(proxyId, { deployment, sequence: 0 });
    this.identities.clear();
    this.announce('changes');
    return true;
  }

  async writeKeyRing(entries: ReadonlyMap<string, string | null>): Promise<void> {
    for (const [keyId, wrapped] of entries) {
      if (wrapped === null) this.keyRing.delete(keyId);
      else this.keyRing.set(keyId, wrapped);
    }
  }

  async keyRingEntry(keyId: string): Promise<string | undefined> {
    return this.keyRing.get(keyId);
  }

  async position(): Promise<LogPosition | undefined> {
    return this.epoch === undefined ? undefined : { epoch: this.epoch, sequence: this.sequence };
  }

  async checkpoint(): Promise<StoredCheckpoint | undefined> {
    return this.stored;
  }

  async recordsAfter(sequence: number, limit: number): Promise<readonly StoredRecord[]> {
    return this.log.filter((record) => record.sequence > sequence).slice(0, limit);
  }

  async artifacts(proxyIds: readonly string[]): Promise<ReadonlyMap<string, StoredArtifact>> {
    const found = new Map<string, StoredArtifact>();
    for (const id of proxyIds) {
      const artifact = this.held.get(id);
      if (artifact !== undefined) found.set(id, artifact);
    }
    return found;
  }

  async renewLease(gatewayId: string, sealed: string): Promise<void> {
    this.gatewayLeases.set(gatewayId, { sealed, atMs: this.nowMs() });
    this.announce('leases');
  }

  async endLease(gatewayId: string): Promise<void> {
    this.gatewayLeases.delete(gatewayId);
    this.announce('leases');
  }

  async leases(): Promise<readonly StoredLease[]> {
    const oldest = this.nowMs() - LEASE_MS;
    return [...this.gatewayLeases].flatMap(([gatewayId, { sealed, atMs }]) =>
      atMs >= oldest ? [{ gatewayId, sealed }] : [],
    );
  }

  async leaseTimes(): Promise<ReadonlyMap<string, number>> {
    return new Map([...this.gatewayLeases].map(([gatewayId, { atMs }]) => [gatewayId, atMs]));
  }

  async putIdentity(record: StoredIdentity): Promise<boolean> {
    const key = JSON.stringify([record.kind, record.subject]);
    if (record.version <= (this.identities.get(key)?.version ?? 0)) return false;
    this.identities.set(key, record);
    return true;
  }

  async identity(kind: string, subject: string): Promise<StoredIdentity | undefined> {
    return this.identities.get(JSON.stringify([kind, subject]));
  }

  async watch(topic: 'changes' | 'leases', onHint: () => void): Promise<Watch> {
    this.watchers[topic].add(onHint);
    return { close: async () => void this.watchers[topic].delete(onHint) };
  }

  private announce(topic: 'changes' | 'leases'): void {
    for (const hint of this.watchers[topic]) hint();
  }
}
