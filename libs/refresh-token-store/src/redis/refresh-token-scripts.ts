import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';

/** Each script's header says what its keys and arguments are. */
const SCRIPTS = {
  gatewardenIssueRefreshToken: { file: './issue.lua', numberOfKeys: 3 },
  gatewardenReadRefreshFamily: { file: './read.lua', numberOfKeys: 3 },
  gatewardenAdvanceRefreshFamily: { file: './advance.lua', numberOfKeys: 4 },
  gatewardenEndRefreshFamily: { file: './end-family.lua', numberOfKeys: 5 },
  gatewardenEndRefreshOwner: { file: './end-owner.lua', numberOfKeys: 3 },
  gatewardenLiveRefreshFamilies: { file: './live-families.lua', numberOfKeys: 1 },
} as const;

type Script = (...keysThenArguments: (string | number)[]) => Promise<unknown>;
export type RefreshTokenScripts = { readonly [Name in keyof typeof SCRIPTS]: Script };

/** Adds the scripts to the connection, which sends their text once and their SHA-1 from then on. */
export function defineRefreshTokenScripts(redis: Redis | Cluster): RefreshTokenScripts {
  for (const [name, { file, numberOfKeys }] of Object.entries(SCRIPTS)) {
    redis.defineCommand(name, { lua: readFileSync(new URL(file, import.meta.url), 'utf8'), numberOfKeys });
  }
  return redis as unknown as RefreshTokenScripts;
}
