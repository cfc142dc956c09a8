import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisClient } from '#libs/redis-clients';
import { ChannelUnavailable } from '../config-channel.port.ts';
import { KEY_SET_SHELF_LIMITS, type KeySetEntry, type KeySetShelf } from '../key-sets/key-set-shelf.port.ts';
import { redisKeysOf } from './channel-keys.ts';
import { withScripts, type ScriptedRedis } from './scripts.ts';

export interface RedisKeySetShelfOptions {
  readonly environment: string;
  /** How long a set is kept after it was last written of. */
  readonly keepMs: number;
}

const NONE = '';
/** As long as any command may take. */
const CONNECTS_WITHIN_MS = 2_000;
const UNTRIED: ReadonlySet<string> = new Set(['wait', 'connecting', 'connect']);

/** The shelf of one environment in a Redis; several environments may share one. */
export class RedisKeySetShelf implements KeySetShelf {
  private readonly redis: ScriptedRedis;
  private readonly keys: ReturnType<typeof redisKeysOf>['keySets'];
  private connecting: Promise<void> | undefined;

  /** @param redis a connection that fails at once while Redis is away; it stays the caller's to close. */
  constructor(
    redis: RedisClient,
    private readonly options: RedisKeySetShelfOptions,
  ) {
    this.redis = withScripts(redis);
    this.keys = redisKeysOf(options.environment).keySets;
  }

  attempt({ origin, name }: KeySetEntry): Promise<string | undefined> {
    return this.read(this.keys(origin).attempts, name, KEY_SET_SHELF_LIMITS.attemptBytes);
  }

  document({ origin, name }: KeySetEntry): Promise<string | undefined> {
    return this.read(this.keys(origin).documents, name, KEY_SET_SHELF_LIMITS.documentBytes);
  }

  replace(entry: KeySetEntry, expected = NONE, attempt: string, document = NONE): Promise<boolean> {
    const { attempts, documents, uses } = this.keys(entry.origin);
    const { sets, attemptBytes } = KEY_SET_SHELF_LIMITS;
    const limits = [this.options.keepMs, sets[entry.origin], attemptBytes].map(String);
    return this.reach(async () => {
      const values = [entry.name, expected, attempt, document, ...limits];
      return (await this.redis.gwPutKeySet(attempts, documents, uses, ...values)) === 1;
    });
  }

  private read(key: string, name: string, maxBytes: number): Promise<string | undefined> {
    return this.reach(async () => {
      const text = await this.redis.gwReadKeySet(key, name, String(maxBytes));
      return text === NONE ? undefined : text;
    });
  }

  private async reach<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      if (UNTRIED.has(this.redis.status)) await (this.connecting ??= this.connected());
      return await work();
    } catch (cause) {
      throw new ChannelUnavailable(this.options.environment, cause);
    }
  }
  /**
   * Waits until the connection that is being made, or about to be, stands or has failed. A gateway asks for key sets before
   * it looks at Redis: were each to fetch for itself then, a restart of all would cost as many fetches as there are gateways.
   */
  private async connected(): Promise<void> {
    const { redis } = this;
    const over = new AbortController();
    const { signal } = over;
    const events = ['ready', 'close', 'end'].map((event) => once(redis, event, { signal }));
    await Promise.race([...events, pause(CONNECTS_WITHIN_MS, undefined, { ref: false, signal })]).catch(
      () => undefined,
    );
    over.abort();
    await Promise.allSettled(events);
    this.connecting = undefined;
  }
}
