import { randomUUID } from 'node:crypto';
import { changeHintText } from '../change-hint.ts';
import {
  LEASE_MS,
  LEASES_PER_LOOK,
  type ConfigChannel,
  type FoundIdentities,
  type LeaseTimes,
  type LogPosition,
  type PublishedChange,
  type PublishOutcome,
  type ReadLease,
  type StoredArtifact,
  type StoredCheckpoint,
  type StoredIdentity,
  type StoredLastGood,
  type StoredLease,
  type StoredRecord,
  type Watch,
} from '../config-channel.port.ts';

type Hinted = (message: string | undefined) => void;

/** The channel without a Redis: the same promises, for tests of what stands on either side of it. */
export class InMemoryConfigChannel implements ConfigChannel {
  private epoch: string | undefined;
  private toldOfAllIn: string | undefined;
  private sequence = 0;
  private log: StoredRecord[] = [];
  private stored: StoredCheckpoint | undefined;
  private readonly heads = new Map<string, { deployment: number; sequence: number }>();
  private readonly held = new Map<string, StoredArtifact>();
  private readonly good = new Map<string, StoredLastGood>();
  private readonly keyRing = new Map<string, string>();
  private readonly gatewayLeases = new Map<string, { sealed: string; atMs: number }>();
  private readonly heldIdentities = new Map<string, StoredIdentity>();
  private readonly watchers = { changes: new Set<Hinted>(), leases: new Set<Hinted>() };

  constructor(private readonly nowMs: () => number = Date.now) {}

  async publish(change: PublishedChange): Promise<PublishOutcome> {
    const held = this.heads.get(change.proxyId);
    const head = held?.deployment === change.disbelieved ? undefined : held;
    const isLogged = head !== undefined && head.sequence > 0;
    if (isLogged && this.epoch !== undefined && head.deployment === change.deployment) {
      this.announce('changes', String(change.deployment));
      return { kind: 'repeated', position: { epoch: this.epoch, sequence: head.sequence } };
    }
    if (head !== undefined && change.deployment < head.deployment) {
      return { kind: 'stale', heldDeployment: head.deployment };
    }
    this.epoch ??= randomUUID();
    this.sequence += 1;
    this.heads.set(change.proxyId, { deployment: change.deployment, sequence: this.sequence });
    this.keepLastGood(change);
    if (change.artifact === null) this.held.delete(change.proxyId);
    else this.held.set(change.proxyId, { deployment: change.deployment, sealed: change.artifact });
    const { proxyId, deployment, record: sealed } = change;
    this.log.push({ sequence: this.sequence, proxyId, deployment, sealed });
    const position = { epoch: this.epoch, sequence: this.sequence };
    this.announce('changes', changeHintText(position, change));
    return { kind: 'published', position };
  }

  private keepLastGood({ proxyId, deployment: beside, artifact, lastGood }: PublishedChange): void {
    const candidates = [this.held.get(proxyId), this.good.get(proxyId)];
    const found = candidates.find((one) => one !== undefined && one.deployment === lastGood?.deployment);
    if (artifact === null || lastGood === undefined || found === undefined) this.good.delete(proxyId);
    else this.good.set(proxyId, { beside, note: lastGood.note, deployment: found.deployment, sealed: found.sealed });
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
    this.heldIdentities.clear();
    this.good.clear();
    this.announce('changes', begin.position.epoch);
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
    return picked(this.held, proxyIds);
  }

  async lastGood(proxyIds: readonly string[]): Promise<ReadonlyMap<string, StoredLastGood>> {
    return picked(this.good, proxyIds);
  }

  async renewLease(gatewayId: string, sealed: string): Promise<void> {
    this.gatewayLeases.set(gatewayId, { sealed, atMs: this.nowMs() });
    this.announce('leases', gatewayId);
  }

  async endLease(gatewayId: string): Promise<void> {
    this.gatewayLeases.delete(gatewayId);
    this.announce('leases', gatewayId);
  }

  async leases(): Promise<readonly StoredLease[]> {
    return this.leasesOf([...(await this.leaseTimes()).renewedAtMs.keys()]);
  }

  async leaseTimes(): Promise<LeaseTimes> {
    const nowMs = this.nowMs();
    const live = [...this.gatewayLeases].filter(([, { atMs }]) => Math.abs(nowMs - atMs) <= LEASE_MS);
    const told = live.slice(0, LEASES_PER_LOOK).map(([gatewayId, { atMs }]) => [gatewayId, atMs] as const);
    return { nowMs, isWhole: told.length === live.length, renewedAtMs: new Map(told) };
  }

  async dropLeases(leases: readonly ReadLease[]): Promise<void> {
    for (const { gatewayId, sealed } of leases)
      if (this.gatewayLeases.get(gatewayId)?.sealed === sealed) this.gatewayLeases.delete(gatewayId);
  }

  async clockMs(): Promise<number> {
    return this.nowMs();
  }

  async leasesOf(gatewayIds: readonly string[]): Promise<readonly StoredLease[]> {
    const found = picked(this.gatewayLeases, gatewayIds);
    return [...found].map(([gatewayId, { sealed }]) => ({ gatewayId, sealed }));
  }

  async putIdentity(record: StoredIdentity, disbelieved?: number): Promise<boolean> {
    const key = JSON.stringify([record.kind, record.subject]);
    const held = this.heldIdentities.get(key)?.version ?? 0;
    if (held !== disbelieved && record.version <= held) return false;
    this.heldIdentities.set(key, record);
    return true;
  }

  async identity(kind: string, subject: string): Promise<StoredIdentity | undefined> {
    return this.heldIdentities.get(JSON.stringify([kind, subject]));
  }

  async identities(kind: string, subjects: readonly string[]): Promise<FoundIdentities> {
    const wanted = new Set(subjects);
    const found = this.identitiesOf(kind).flatMap((one) =>
      wanted.has(one.subject) ? [[one.subject, one] as const] : [],
    );
    return { found: new Map(found), isToldOfAll: await this.isToldOfAll() };
  }

  async isToldOfAll(): Promise<boolean> {
    return this.epoch !== undefined && this.toldOfAllIn === this.epoch;
  }

  async noteToldOfAll(epoch: string): Promise<boolean> {
    if (this.epoch !== epoch) return false;
    this.toldOfAllIn = epoch;
    return true;
  }

  async scanIdentities(kind: string): Promise<{ cursor: string; found: readonly StoredIdentity[] }> {
    return { cursor: '0', found: this.identitiesOf(kind) };
  }

  private identitiesOf(kind: string): StoredIdentity[] {
    return [...this.heldIdentities.values()].filter((one) => one.kind === kind);
  }

  async nudge(): Promise<void> {
    this.announce('changes', '');
  }

  async watch(topic: 'changes' | 'leases', onHint: Hinted): Promise<Watch> {
    this.watchers[topic].add(onHint);
    return { close: async () => void this.watchers[topic].delete(onHint) };
  }

  private announce(topic: 'changes' | 'leases', message: string): void {
    for (const hint of this.watchers[topic]) hint(message);
  }
}

function picked<Value>(from: ReadonlyMap<string, Value>, ids: readonly string[]): ReadonlyMap<string, Value> {
  return new Map(
    ids.flatMap((id) => {
      const value = from.get(id);
      return value === undefined ? [] : [[id, value] as const];
    }),
  );
}
