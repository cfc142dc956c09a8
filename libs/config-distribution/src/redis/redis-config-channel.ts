import { createHash, randomUUID } from 'node:crypto';
import { subscribe, type RedisClient } from '#libs/redis-clients';
import {
  ChannelUnavailable,
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
import { ARTIFACT_IN_HINT_BYTES } from '../change-hint.ts';
import { redisKeysOf } from './channel-keys.ts';
import { withScripts, type ScriptedRedis } from './scripts.ts';

/** Records kept behind a checkpoint, so that a gateway that lags a little need not load the whole manifest. */
const RECORDS_KEPT = 1_000;
const ENTRIES_PER_READ = 200;
/** Longer than any id that the control plane gives. */
const PROXY_ID_LONGEST = 200;
/** Longer than any that a gateway may be given. */
const GATEWAY_ID_LONGEST = 255;

/** Only to tell two texts apart that are no secret: Redis knows no other digest. */
const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

/** `"<number> <text>"`, as the scripts store versions beside sealed texts. */
function splitVersion(stored: string): { version: number; text: string } {
  const blank = stored.indexOf(' ');
  return { version: Number(stored.slice(0, blank)), text: stored.slice(blank + 1) };
}

function artifactOf(stored: string): StoredArtifact {
  const { version, text } = splitVersion(stored);
  return { deployment: version, sealed: text };
}

/** `"<newest deployment> <its own deployment> <note> <sealed>"` */
function lastGoodOf(stored: string): StoredLastGood {
  const { version: beside, text: own } = splitVersion(stored);
  const { version: deployment, text } = splitVersion(own);
  const blank = text.indexOf(' ');
  return { beside, deployment, note: text.slice(0, blank), sealed: text.slice(blank + 1) };
}

function identityOf(kind: string, subject: string, stored: string): StoredIdentity {
  const { version, text } = splitVersion(stored);
  return { kind, subject, version, sealed: text === '' ? null : text };
}

/** What is in clear in a record is told on in the lease, and remembered: it must be of the shape that a publisher gives it. */
const canBePublished = ({ proxyId, deployment }: Pick<StoredRecord, 'proxyId' | 'deployment'>): boolean =>
  Number.isSafeInteger(deployment) && deployment > 0 && proxyId.length <= PROXY_ID_LONGEST;

function recordOf(id: string, fields: readonly string[]): StoredRecord {
  const field = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
  const [number = '', part = ''] = id.split('-');
  const sequence = Number(number);
  const record = { sequence, proxyId: field('p'), deployment: Number(field('d')), sealed: field('r') };
  const isForeign = part !== '0' || !Number.isSafeInteger(sequence) || !canBePublished(record);
  return isForeign ? { ...record, isForeign } : record;
}

const TOLD_FIELDS = ['epoch', 'told'] as const;

/** @param fields `TOLD_FIELDS` */
const saysToldOfAll = ([epoch, told]: readonly (string | null)[]): boolean =>
  typeof epoch === 'string' && (told === null || told === epoch);

/** What HMGET answered within a transaction. */
function answerOf(outcome: [error: Error | null, answer: unknown] | undefined): (string | null)[] {
  const [error, answer] = outcome ?? [new Error('the transaction was not carried out'), undefined];
  if (error !== null) throw error;
  return answer as (string | null)[];
}

/** The channel of one environment in a Redis; several environments may share one. */
export class RedisConfigChannel implements ConfigChannel {
  private readonly redis: ScriptedRedis;
  private readonly keys: ReturnType<typeof redisKeysOf>;

  /** @param redis a connection that fails at once while Redis is away; it stays the caller's to close. */
  constructor(
    redis: RedisClient,
    private readonly environment: string,
  ) {
    this.redis = withScripts(redis);
    this.keys = redisKeysOf(environment);
  }

  publish(change: PublishedChange): Promise<PublishOutcome> {
    return this.reach(async () => {
      const { heads, artifacts, log, position, sequences, lastGood, topic } = this.keys;
      const [kind, first, second] = await this.redis.gwPublish(
        ...[heads, artifacts, log, position, sequences, lastGood],
        ...[change.proxyId, String(change.deployment), change.record, change.artifact ?? ''],
        ...[randomUUID(), topic('changes'), change.disbelieved === undefined ? '' : String(change.disbelieved)],
        ...[String(change.lastGood?.deployment ?? ''), change.lastGood?.note ?? '', String(ARTIFACT_IN_HINT_BYTES)],
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
      const { position, checkpoint, log, sequences, lastGood, topic } = this.keys;
      const identities = [this.keys.identities('client'), this.keys.identities('credential')];
      const values = [epoch, begin.position.epoch, begin.sealed, topic('changes')];
      return (
        (await this.redis.gwRestart(...[position, checkpoint, log, sequences, lastGood], ...identities, ...values)) ===
        1
      );
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
    return this.entries(this.keys.artifacts, proxyIds, artifactOf);
  }

  lastGood(proxyIds: readonly string[]): Promise<ReadonlyMap<string, StoredLastGood>> {
    return this.entries(this.keys.lastGood, proxyIds, lastGoodOf);
  }

  renewLease(gatewayId: string, sealed: string): Promise<void> {
    return this.reach(async () => {
      await this.redis.gwRenewLease(this.keys.leases, this.keys.leaseTimes, gatewayId, sealed, String(LEASE_MS));
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
      const limits = [LEASE_MS, LEASES_PER_LOOK].map(String);
      const flat = await this.redis.gwLiveLeases(this.keys.leases, this.keys.leaseTimes, ...limits);
      return flat.flatMap((gatewayId, index) => {
        const sealed = flat[index + 1];
        return index % 2 === 0 && sealed !== undefined ? [{ gatewayId, sealed }] : [];
      });
    });
  }

  leaseTimes(): Promise<LeaseTimes> {
    return this.reach(async () => {
      const limits = [LEASE_MS, LEASES_PER_LOOK, GATEWAY_ID_LONGEST].map(String);
      const [now, extent, ...flat] = await this.redis.gwLeaseTimes(this.keys.leaseTimes, ...limits);
      const times = flat.flatMap((id, index) => (index % 2 === 0 ? [[id, Number(flat[index + 1])] as const] : []));
      return { nowMs: Number(now), isWhole: extent === 'whole', renewedAtMs: new Map(times) };
    });
  }

  dropLeases(leases: readonly ReadLease[]): Promise<void> {
    return this.reach(async () => {
      for (let at = 0; at < leases.length; at += ENTRIES_PER_READ) {
        const part = leases.slice(at, at + ENTRIES_PER_READ);
        const texts = part.flatMap(({ gatewayId, sealed }) => [gatewayId, sealed === undefined ? '' : sha1(sealed)]);
        await this.redis.gwDropLeases(this.keys.leases, this.keys.leaseTimes, ...texts);
      }
    });
  }

  clockMs(): Promise<number> {
    return this.reach(async () => {
      const [seconds, microseconds] = await this.redis.time();
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
    });
  }

  async leasesOf(gatewayIds: readonly string[]): Promise<readonly StoredLease[]> {
    const found = await this.entries(this.keys.leases, gatewayIds, (sealed) => sealed);
    return [...found].map(([gatewayId, sealed]) => ({ gatewayId, sealed }));
  }

  putIdentity({ kind, subject, version, sealed }: StoredIdentity, disbelieved?: number): Promise<boolean> {
    return this.reach(async () => {
      const values = [subject, String(version), sealed ?? '', disbelieved === undefined ? '' : String(disbelieved)];
      return (await this.redis.gwPutIdentity(this.keys.identities(kind), ...values)) === 1;
    });
  }

  identity(kind: string, subject: string): Promise<StoredIdentity | undefined> {
    return this.reach(async () => {
      const stored = await this.redis.hget(this.keys.identities(kind), subject);
      return stored === null ? undefined : identityOf(kind, subject, stored);
    });
  }

  /** Both in one step: what is told in between must not be missing among those that are there. */
  identities(kind: string, subjects: readonly string[]): Promise<FoundIdentities> {
    return this.reach(async () => {
      if (subjects.length === 0) return { found: new Map(), isToldOfAll: await this.isToldOfAll() };
      const reads = this.redis.multi().hmget(this.keys.identities(kind), ...subjects);
      const [read, mark] = (await reads.hmget(this.keys.position, ...TOLD_FIELDS).exec()) ?? [];
      const texts = answerOf(read);
      const stored = subjects.map((subject, index) => [subject, texts[index] ?? null] as const);
      const found = new Map(
        stored.flatMap(([subject, text]) => (text === null ? [] : [[subject, identityOf(kind, subject, text)]])),
      );
      return { found, isToldOfAll: saysToldOfAll(answerOf(mark)) };
    });
  }

  isToldOfAll(): Promise<boolean> {
    return this.reach(async () => saysToldOfAll(await this.redis.hmget(this.keys.position, ...TOLD_FIELDS)));
  }

  noteToldOfAll(epoch: string): Promise<boolean> {
    return this.reach(async () => (await this.redis.gwNoteTold(this.keys.position, epoch)) === 1);
  }

  scanIdentities(kind: string, from: string): Promise<{ cursor: string; found: readonly StoredIdentity[] }> {
    return this.reach(async () => {
      const [cursor, flat] = await this.redis.hscan(this.keys.identities(kind), from, 'COUNT', ENTRIES_PER_READ);
      const found = flat.flatMap((subject, index) =>
        index % 2 === 0 ? [identityOf(kind, subject, flat[index + 1] ?? '')] : [],
      );
      return { cursor, found };
    });
  }

  nudge(): Promise<void> {
    return this.reach(async () => {
      await this.redis.publish(this.keys.topic('changes'), '');
    });
  }

  async watch(topic: 'changes' | 'leases', onHint: (message: string | undefined) => void): Promise<Watch> {
    let isOpen = true;
    const hint = (message?: string): void => {
      if (isOpen) onHint(message);
    };
    // The hint after (re)connecting comes once the subscription stands, so that no change falls between the two.
    const subscription = subscribe(this.redis, this.keys.topic(topic), {
      onStanding: () => hint(),
      onMessage: (message) => hint(message),
    });
    const close = async (): Promise<void> => {
      isOpen = false;
      subscription.close();
    };
    return { close };
  }

  /** What stands in a hash under these ids, as many at once as do not hold up others. */
  private entries<Value>(
    key: string,
    ids: readonly string[],
    valueOf: (stored: string) => Value,
  ): Promise<ReadonlyMap<string, Value>> {
    return this.reach(async () => {
      const found = new Map<string, Value>();
      for (let at = 0; at < ids.length; at += ENTRIES_PER_READ) {
        const part = ids.slice(at, at + ENTRIES_PER_READ);
        const stored = await this.redis.hmget(key, ...part);
        for (const [index, id] of part.entries()) {
          const text = stored[index];
          if (typeof text === 'string') found.set(id, valueOf(text));
        }
      }
      return found;
    });
  }

  private async reach<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (cause) {
      throw new ChannelUnavailable(this.environment, cause);
    }
  }
}
