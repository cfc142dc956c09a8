import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import {
  ChannelUnavailable,
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
import { redisKeysOf } from './channel-keys.ts';
import { withScripts, type ScriptedRedis } from './scripts.ts';

/** Records kept behind a checkpoint, so that a gateway that lags a little need not load the whole manifest. */
const RECORDS_KEPT = 1_000;
const ARTIFACTS_PER_READ = 200;

/** `"<number> <text>"`, as the scripts store versions beside sealed texts. */
function splitVersion(stored: string): { version: number; text: string } {
  const blank = stored.indexOf(' ');
  return { version: Number(stored.slice(0, blank)), text: stored.slice(blank + 1) };
}

function recordOf(id: string, fields: readonly string[]): StoredRecord {
  const field = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
  const [number = '', part = ''] = id.split('-');
  const sequence = Number(number);
  const isForeign = part !== '0' || !Number.isSafeInteger(sequence);
  const record = { sequence, proxyId: field('p'), deployment: Number(field('d')), sealed: field('r') };
  return isForeign ? { ...record, isForeign } : record;
}

/** The channel of one environment in a Redis; several environments may share one. */
export class RedisConfigChannel implements ConfigChannel {
  private readonly redis: ScriptedRedis;
  private readonly keys: ReturnType<typeof redisKeysOf>;

  /** @param redis a connection that fails at once while Redis is away; it stays the caller's to close. */
  constructor(
    redis: Redis,
    private readonly environment: string,
  ) {
    this.redis = withScripts(redis);
    this.keys = redisKeysOf(environment);
  }

  publish(change: PublishedChange): Promise<PublishOutcome> {
    return this.reach(async () => {
      const { heads, artifacts, log, position, sequences, topic } = this.keys;
      const [kind, first, second] = await this.redis.gwPublish(
        ...[heads, artifacts, log, position, sequences],
        ...[change.proxyId, String(change.deployment), change.record, change.artifact ?? ''],
        ...[randomUUID(), topic('changes'), change.disbelieved === undefined ? '' : String(change.disbelieved)],
      );
      if (kind === 'stale') return { kind, heldDeployment: Number(first) };
      const at = { epoch: first ?? '', sequence: Number(second) };
      return { kind: kind === 'repeated' ? 'repeated' : 'published', position: at };
    });
  }

  writeCheckpoint(position: LogPosition, sealed: string): Promise<boolean> {
    return this.reach(async () => {
      const keys = [this.keys.position, this.keys.checkpoint, this.keys.log, this.keys.sequences];
      const values = [position.epoch, String(position.sequence), sealed, String(RECORDS_KEPT)];
      return (await this.redis.gwCheckpoint(...keys, ...values)) === 1;
    });
  }

  restart(epoch: string, begin: StoredCheckpoint): Promise<boolean> {
    return this.reach(async () => {
      const { position, checkpoint, log, sequences, topic } = this.keys;
      const identities = [this.keys.identities('client'), this.keys.identities('credential')];
      const values = [epoch, begin.position.epoch, begin.sealed, topic('changes')];
      return (await this.redis.gwRestart(position, checkpoint, log, sequences, ...identities, ...values)) === 1;
    });
  }

  writeKeyRing(entries: ReadonlyMap<string, string | null>): Promise<void> {
    return this.reach(async () => {
      const transaction = this.redis.multi();
      for (const [keyId, wrapped] of entries) {
        if (wrapped === null) transaction.hdel(this.keys.keyRing, keyId);
        else transaction.hset(this.keys.keyRing, keyId, wrapped);
      }
      for (const [error] of (await transaction.exec()) ?? []) if (error !== null) throw error;
    });
  }

  keyRingEntry(keyId: string): Promise<string | undefined> {
    return this.reach(async () => (await this.redis.hget(this.keys.keyRing, keyId)) ?? undefined);
  }

  position(): Promise<LogPosition | undefined> {
    return this.reach(async () => {
      const [epoch, sequence] = await this.redis.hmget(this.keys.position, 'epoch', 'sequence');
      return typeof epoch === 'string' ? { epoch, sequence: Number(sequence) } : undefined;
    });
  }

  checkpoint(): Promise<StoredCheckpoint | undefined> {
    return this.reach(async () => {
      const { epoch, sequence, sealed } = await this.redis.hgetall(this.keys.checkpoint);
      if (epoch === undefined || sealed === undefined) return undefined;
      return { position: { epoch, sequence: Number(sequence) }, sealed };
    });
  }

  recordsAfter(sequence: number, limit: number): Promise<readonly StoredRecord[]> {
    return this.reach(async () => {
      const entries = await this.redis.xrange(this.keys.log, `${sequence + 1}-0`, '+', 'COUNT', limit);
      return entries.map(([id, fields]) => recordOf(id, fields));
    });
  }

  artifacts(proxyIds: readonly string[]): Promise<ReadonlyMap<string, StoredArtifact>> {
    return this.reach(async () => {
      const found = new Map<string, StoredArtifact>();
      for (let at = 0; at < proxyIds.length; at += ARTIFACTS_PER_READ) {
        const ids = proxyIds.slice(at, at + ARTIFACTS_PER_READ);
        const stored = await this.redis.hmget(this.keys.artifacts, ...ids);
        stored.forEach((text, index) => {
          const id = ids[index];
          if (text === null || id === undefined) return;
          const { version, text: sealed } = splitVersion(text);
          found.set(id, { deployment: version, sealed });
        });
      }
      return found;
    });
  }

  renewLease(gatewayId: string, sealed: string): Promise<void> {
    return this.reach(async () => {
      await this.redis.gwRenewLease(this.keys.leases, this.keys.leaseTimes, gatewayId, sealed);
      await this.redis.publish(this.keys.topic('leases'), gatewayId);
    });
  }

  endLease(gatewayId: string): Promise<void> {
    return this.reach(async () => {
      await this.redis.multi().hdel(this.keys.leases, gatewayId).zrem(this.keys.leaseTimes, gatewayId).exec();
      await this.redis.publish(this.keys.topic('leases'), gatewayId);
    });
  }

  leases(): Promise<readonly StoredLease[]> {
    return this.reach(async () => {
      const flat = await this.redis.gwLiveLeases(this.keys.leases, this.keys.leaseTimes, String(LEASE_MS));
      return flat.flatMap((gatewayId, index) => {
        const sealed = flat[index + 1];
        return index % 2 === 0 && sealed !== undefined ? [{ gatewayId, sealed }] : [];
      });
    });
  }

  leaseTimes(): Promise<ReadonlyMap<string, number>> {
    return this.reach(async () => {
      const flat = await this.redis.zrange(this.keys.leaseTimes, '0', '-1', 'WITHSCORES');
      return new Map(flat.flatMap((id, index) => (index % 2 === 0 ? [[id, Number(flat[index + 1])] as const] : [])));
    });
  }

  putIdentity(record: StoredIdentity): Promise<boolean> {
    return this.reach(async () => {
      const key = this.keys.identities(record.kind);
      return (await this.redis.gwPutIdentity(key, record.subject, String(record.version), record.sealed ?? '')) === 1;
    });
  }

  identity(kind: string, subject: string): Promise<StoredIdentity | undefined> {
    return this.reach(async () => {
      const stored = await this.redis.hget(this.keys.identities(kind), subject);
      if (stored === null) return undefined;
      const { version, text } = splitVersion(stored);
      return { kind, subject, version, sealed: text === '' ? null : text };
    });
  }

  async watch(topic: 'changes' | 'leases', onHint: () => void): Promise<Watch> {
    let isOpen = true;
    const subscriber = this.redis.duplicate({
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
      autoResubscribe: false,
      commandTimeout: undefined,
    });
    subscriber.on('error', () => undefined); // reported by the main connection; this one reconnects by itself
    const hint = (): void => {
      if (isOpen) onHint();
    };
    subscriber.on('message', hint);
    // The hint after (re)connecting comes once the subscription stands, so that no change falls between the two.
    subscriber.on('ready', () => void subscriber.subscribe(this.keys.topic(topic)).then(hint, () => undefined));
    if (subscriber.status === 'wait') subscriber.connect().catch(() => undefined);
    const close = async (): Promise<void> => {
      isOpen = false;
      subscriber.disconnect();
    };
    return { close };
  }

  private async reach<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (cause) {
      throw new ChannelUnavailable(this.environment, cause);
    }
  }
}
