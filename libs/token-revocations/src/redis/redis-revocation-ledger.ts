import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { toRecord } from '../record-changes.ts';
import {
  NOWHERE,
  REVOCATION_LEDGER_LIMITS,
  RevocationLedgerFull,
  RevocationLedgerUnavailable,
  roomFor,
  type LedgerNews,
  type LedgerPosition,
  type RevocationLedger,
  type RevocationUrgency,
} from '../revocation-ledger.port.ts';
import { isCovered, joinedRevocation, type TokenRevocation } from '../token-revocation.ts';
import { revocationKeysOf, type RevocationKeys } from './revocation-keys.ts';
import { defineRevocationScripts, type RevocationScripts } from './revocation-scripts.ts';
import { RevocationSeals } from './revocation-seals.ts';

const ANSWER_TIMEOUT_MS = 2_000;
/** How many a script call writes, and forgets: Redis does nothing else meanwhile. */
const WRITTEN_AT_ONCE = 500;
const FORGOTTEN_AT_ONCE = 1_000;
/** A full ledger is looked over at most so often: every entry is opened. */
const LOOKED_OVER_EVERY_MS = 60_000;
const LOOKED_AT_ONCE = 500;
/** An entry that others keep changing is left to the caller's next attempt. */
const MOST_ATTEMPTS = 5;
/** Sequences are doubles in Redis: what somebody else put higher than this is not believed. */
const HIGHEST_SEQUENCE = 2 ** 52;
/** Of a sealed value of `valueLength` characters, and some. */
const LONGEST_TEXT = 16_384;
const POSITION = /^([\w-]+) (\d+)$/;

interface Write {
  readonly id: string;
  readonly read: string;
  readonly revocation: TokenRevocation;
}

/** `NOWHERE` for what is no position. */
function positionIn(text: unknown): LedgerPosition {
  const [, epoch, sequence] = POSITION.exec(String(text)) ?? [];
  return epoch === undefined || Number(sequence) > HIGHEST_SEQUENCE ? NOWHERE : { epoch, sequence: Number(sequence) };
}

/**
 * The ledger in the environment's Redis. A script never judges an entry: it is read, its seal checked, the joined one made
 * here, and one script then writes that only if what is held is still, byte for byte, what was read.
 */
export class RedisRevocationLedger implements RevocationLedger {
  private readonly scripts: RevocationScripts;
  private readonly seals: RevocationSeals;
  private readonly keys: RevocationKeys;
  private readonly mostEntries: number;
  private readonly page: number;
  private lookedOverAtMs = -Infinity;

  /**
   * @param key 32 bytes derived from the environment's key for this purpose
   * @throws RangeError when the key has another length or the environment's name would break the cluster slot
   */
  constructor(
    redis: Redis | Cluster,
    environment: string,
    key: Buffer,
    limits: { readonly entries?: number; readonly page?: number } = {},
  ) {
    if (/[{}]/.test(environment)) throw new RangeError('the name of an environment must not contain braces');
    this.seals = new RevocationSeals(environment, key);
    this.keys = revocationKeysOf(environment);
    this.mostEntries = limits.entries ?? REVOCATION_LEDGER_LIMITS.entries;
    this.page = limits.page ?? REVOCATION_LEDGER_LIMITS.page;
    this.scripts = defineRevocationScripts(redis);
  }

  async record(
    revocations: readonly TokenRevocation[],
    nowMs: number,
    urgency: RevocationUrgency = 'usual',
  ): Promise<LedgerPosition> {
    const changes = toRecord(revocations);
    let reached: LedgerPosition;
    let at = 0;
    do {
      reached = await this.recordPart(changes.slice(at, at + WRITTEN_AT_ONCE), nowMs, urgency);
      at += WRITTEN_AT_ONCE;
    } while (at < changes.length);
    return reached;
  }

  async since(position: LedgerPosition | undefined): Promise<LedgerNews> {
    const { position: positionKey, entries, sequences } = this.keys;
    // No epoch is called so: it is read from the start.
    const { epoch, sequence } = position ?? { epoch: '-', sequence: 0 };
    const limits = [HIGHEST_SEQUENCE, this.page, LONGEST_TEXT];
    const answer = await this.answer('since', () =>
      this.scripts.gatewardenRevocationsSince(positionKey, entries, sequences, epoch, sequence, ...limits),
    );
    const [at, isFromStart, heldCount, ...found] = answer as [string, number, number, ...string[]];
    const revocations: TokenRevocation[] = [];
    for (let index = 0; index < found.length; index += 3) {
      const revocation = this.seals.open(found[index] ?? '', found[index + 2] ?? '');
      if (revocation !== undefined) revocations.push(revocation);
    }
    const count = found.length / 3;
    const isMore = count >= this.page;
    const end = positionIn(at);
    return {
      position: isMore ? { epoch: end.epoch, sequence: Math.ceil(Number(found.at(-2))) } : end,
      isFromStart: isFromStart === 1,
      revocations,
      refusedCount: count - revocations.length,
      isMore,
      heldCount,
    };
  }

  private async recordPart(
    changes: readonly TokenRevocation[],
    nowMs: number,
    urgency: RevocationUrgency,
  ): Promise<LedgerPosition> {
    let left = changes;
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const { position, writes } = await this.compare(left);
      const isBegun = position.epoch !== '' || left.length === 0;
      if (writes.length === 0 && isBegun) return position;
      const written = await this.write(writes, nowMs, urgency);
      if (written === 'full') {
        if (await this.makeRoom(nowMs)) continue;
        throw new RevocationLedgerFull();
      }
      const { reached, lost } = written;
      if (lost.length === 0) return reached;
      left = lost;
    }
    throw new RevocationLedgerUnavailable('record');
  }

  /** What has to be written, so that everything holds; an entry that does not open is written over. */
  private async compare(
    revocations: readonly TokenRevocation[],
  ): Promise<{ position: LedgerPosition; writes: readonly Write[] }> {
    const { position, entries, sequences } = this.keys;
    const ids = revocations.map((revocation) => this.seals.idOf(revocation));
    const answer = await this.answer('record', () =>
      this.scripts.gatewardenHeldRevocations(position, entries, sequences, HIGHEST_SEQUENCE, ...ids),
    );
    const [at, ...held] = answer as [string, ...(string | number)[]];
    const writes = revocations.flatMap((revocation, index): Write[] => {
      const id = ids[index] ?? '';
      const read = String(held[index * 2]);
      const isListed = held[index * 2 + 1] === 1;
      const known = this.seals.open(id, read);
      if (known !== undefined && isListed && isCovered(known, revocation)) return [];
      return [{ id, read, revocation: known === undefined ? revocation : joinedRevocation(known, revocation) }];
    });
    return { position: positionIn(at), writes };
  }

  private async write(
    writes: readonly Write[],
    nowMs: number,
    urgency: RevocationUrgency,
  ): Promise<{ reached: LedgerPosition; lost: readonly TokenRevocation[] } | 'full'> {
    const { position, entries, sequences, ends } = this.keys;
    const begin = [randomBytes(12).toString('base64url'), Math.floor(nowMs), HIGHEST_SEQUENCE];
    const endedMs = nowMs - REVOCATION_LEDGER_LIMITS.forgottenAfterMs;
    const bounds = [endedMs, FORGOTTEN_AT_ONCE, roomFor(urgency, this.mostEntries)];
    const parts = writes.flatMap(({ id, read, revocation }) => {
      const sealed = this.seals.seal(id, revocation);
      return [id, read, sealed, revocation.endsAtMs ?? '+inf'];
    });
    const answer = await this.answer('record', () =>
      this.scripts.gatewardenRecordRevocations(position, entries, sequences, ends, ...begin, ...bounds, ...parts),
    );
    if (answer === 'full') return answer;
    const [reached, ...numbers] = answer as [string, ...number[]];
    const lost = numbers.flatMap((number) => writes[number - 1]?.revocation ?? []);
    return { reached: positionIn(reached), lost };
  }

  /**
   * What was planted, or listed otherwise than it says, is never forgotten by itself and takes the room of others.
   *
   * @returns whether anything was removed
   */
  private async makeRoom(nowMs: number): Promise<boolean> {
    if (nowMs - this.lookedOverAtMs < LOOKED_OVER_EVERY_MS) return false;
    this.lookedOverAtMs = nowMs;
    const { entries } = this.keys;
    let removed = 0;
    let cursor = '0';
    do {
      const at = cursor;
      const answer = await this.answer('record', () =>
        this.scripts.gatewardenLookOverRevocations(entries, at, LOOKED_AT_ONCE, LONGEST_TEXT),
      );
      const [next = '0', ...found] = answer as string[];
      removed += await this.removeWorthless(found, nowMs);
      cursor = next;
    } while (cursor !== '0');
    return removed > 0;
  }

  /** @param found for each entry its id and its text, '' for one that is too long */
  private async removeWorthless(found: readonly string[], nowMs: number): Promise<number> {
    const endedMs = nowMs - REVOCATION_LEDGER_LIMITS.forgottenAfterMs;
    const worthless: string[] = [];
    for (let index = 0; index < found.length; index += 2) {
      const [id = '', text = ''] = found.slice(index, index + 2);
      const endsAtMs = this.seals.open(id, text)?.endsAtMs;
      if (endsAtMs === undefined || (endsAtMs !== null && endsAtMs <= endedMs)) worthless.push(id, text);
    }
    const { entries, sequences, ends } = this.keys;
    let removed = 0;
    for (let at = 0; at < worthless.length; at += 2 * LOOKED_AT_ONCE) {
      const part = worthless.slice(at, at + 2 * LOOKED_AT_ONCE);
      const forget = () => this.scripts.gatewardenForgetRevocations(entries, sequences, ends, LONGEST_TEXT, ...part);
      removed += (await this.answer('record', forget)) as number;
    }
    return removed;
  }

  /** A late answer is dropped: who waited has been told that it may or may not have been done. */
  private async answer<Reply>(step: string, send: () => Promise<Reply>): Promise<Reply> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${ANSWER_TIMEOUT_MS} ms`)), ANSWER_TIMEOUT_MS);
    });
    try {
      return await Promise.race([send(), late]);
    } catch (cause) {
      throw new RevocationLedgerUnavailable(step, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}
