import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';

/** Each script's header says what its keys and arguments are. */
const SCRIPTS = {
  gatewardenHeldRevocations: { file: './held.lua', numberOfKeys: 3 },
  gatewardenRecordRevocations: { file: './record.lua', numberOfKeys: 4 },
  gatewardenLookOverRevocations: { file: './look-over.lua', numberOfKeys: 1 },
  gatewardenForgetRevocations: { file: './forget.lua', numberOfKeys: 3 },
  gatewardenRevocationsSince: { file: './since.lua', numberOfKeys: 3 },
} as const;

type Script = (...keysThenArguments: (string | number)[]) => Promise<unknown>;
export type RevocationScripts = { readonly [Name in keyof typeof SCRIPTS]: Script };

/** Adds the scripts to the connection, which sends their text once and their SHA-1 from then on. */
export function defineRevocationScripts(redis: Redis | Cluster): RevocationScripts {
  for (const [name, { file, numberOfKeys }] of Object.entries(SCRIPTS)) {
    redis.defineCommand(name, { lua: readFileSync(new URL(file, import.meta.url), 'utf8'), numberOfKeys });
  }
  return redis as unknown as RevocationScripts;
}
