import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RedisClient } from '#libs/redis-clients';

const source = (file: string): string => readFileSync(fileURLToPath(new URL(file, import.meta.url)), 'utf8');

const SCRIPTS = {
  gwPublish: { numberOfKeys: 6, lua: source('./publish.lua') },
  gwCheckpoint: { numberOfKeys: 4, lua: source('./checkpoint.lua') },
  gwRestart: { numberOfKeys: 7, lua: source('./restart.lua') },
  gwRenewLease: { numberOfKeys: 2, lua: source('./renew-lease.lua') },
  gwLeaseTimes: { numberOfKeys: 1, lua: source('./lease-times.lua') },
  gwDropLeases: { numberOfKeys: 2, lua: source('./drop-leases.lua') },
  gwLiveLeases: { numberOfKeys: 2, lua: source('./live-leases.lua') },
  gwNoteTold: { numberOfKeys: 1, lua: source('./note-told.lua') },
  gwPutIdentity: { numberOfKeys: 1, lua: source('./put-identity.lua') },
  gwReadKeySet: { numberOfKeys: 1, lua: source('./read-key-set.lua') },
  gwPutKeySet: { numberOfKeys: 3, lua: source('./put-key-set.lua') },
} as const;

/** Each is one atomic step. */
interface Scripts {
  gwPublish(...keysThenArguments: string[]): Promise<string[]>;
  gwCheckpoint(...keysThenArguments: string[]): Promise<number>;
  gwRestart(...keysThenArguments: string[]): Promise<number>;
  gwRenewLease(...keysThenArguments: string[]): Promise<number>;
  gwLeaseTimes(...keysThenArguments: string[]): Promise<string[]>;
  gwDropLeases(...keysThenArguments: string[]): Promise<number>;
  gwLiveLeases(...keysThenArguments: string[]): Promise<string[]>;
  gwNoteTold(...keysThenArguments: string[]): Promise<number>;
  gwPutIdentity(...keysThenArguments: string[]): Promise<number>;
  gwReadKeySet(...keysThenArguments: string[]): Promise<string>;
  gwPutKeySet(...keysThenArguments: string[]): Promise<number>;
}

/** A client that knows the scripts of this folder. */
export type ScriptedRedis = RedisClient & Scripts;

/** Teaches a connection the scripts; they are sent once and called by hash. */
export function withScripts(redis: RedisClient): ScriptedRedis {
  for (const [name, definition] of Object.entries(SCRIPTS)) redis.defineCommand(name, definition);
  return redis as ScriptedRedis;
}
