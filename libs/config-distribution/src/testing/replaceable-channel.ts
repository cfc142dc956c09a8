import {
  ChannelUnavailable,
  type ConfigChannel,
  type LogPosition,
  type PublishedChange,
  type ReadLease,
  type StoredCheckpoint,
  type StoredIdentity,
  type Watch,
} from '../config-channel.port.ts';

/** A channel whose server a test can take away, empty or restore from another one. */
export class ReplaceableChannel implements ConfigChannel {
  isAway = false;

  constructor(public server: ConfigChannel) {}

  publish = (change: PublishedChange) => this.reach((channel) => channel.publish(change));
  writeCheckpoint = (at: LogPosition, sealed: string) => this.reach((channel) => channel.writeCheckpoint(at, sealed));
  restart = (epoch: string, begin: StoredCheckpoint) => this.reach((channel) => channel.restart(epoch, begin));
  writeKeyRing = (entries: ReadonlyMap<string, string | null>) =>
    this.reach((channel) => channel.writeKeyRing(entries));
  keyRingEntry = (keyId: string) => this.reach((channel) => channel.keyRingEntry(keyId));
  position = () => this.reach((channel) => channel.position());
  checkpoint = () => this.reach((channel) => channel.checkpoint());
  recordsAfter = (at: number, limit: number) => this.reach((channel) => channel.recordsAfter(at, limit));
  artifacts = (proxyIds: readonly string[]) => this.reach((channel) => channel.artifacts(proxyIds));
  lastGood = (proxyIds: readonly string[]) => this.reach((channel) => channel.lastGood(proxyIds));
  renewLease = (gatewayId: string, sealed: string) => this.reach((channel) => channel.renewLease(gatewayId, sealed));
  endLease = (gatewayId: string) => this.reach((channel) => channel.endLease(gatewayId));
  leases = () => this.reach((channel) => channel.leases());
  leaseTimes = () => this.reach((channel) => channel.leaseTimes());
  leasesOf = (gatewayIds: readonly string[]) => this.reach((channel) => channel.leasesOf(gatewayIds));
  dropLeases = (leases: readonly ReadLease[]) => this.reach((channel) => channel.dropLeases(leases));
  clockMs = () => this.reach((channel) => channel.clockMs());
  putIdentity = (record: StoredIdentity, disbelieved?: number) =>
    this.reach((channel) => channel.putIdentity(record, disbelieved));
  identities = (kind: string, subjects: readonly string[]) =>
    this.reach((channel) => channel.identities(kind, subjects));
  scanIdentities = (kind: string, cursor: string) => this.reach((channel) => channel.scanIdentities(kind, cursor));
  identity = (kind: string, subject: string) => this.reach((channel) => channel.identity(kind, subject));
  isToldOfAll = () => this.reach((channel) => channel.isToldOfAll());
  noteToldOfAll = (epoch: string) => this.reach((channel) => channel.noteToldOfAll(epoch));
  nudge = () => this.reach((channel) => channel.nudge());

  watch(topic: 'changes' | 'leases', onHint: (message: string | undefined) => void): Promise<Watch> {
    return this.server.watch(topic, onHint);
  }

  private async reach<Value>(work: (channel: ConfigChannel) => Promise<Value>): Promise<Value> {
    if (this.isAway) throw new ChannelUnavailable('test', new Error('connect ECONNREFUSED'));
    return work(this.server);
  }
}
