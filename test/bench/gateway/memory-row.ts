import { setTimeout as pause } from 'node:timers/promises';
import { median } from '../event-store/figures.ts';
import type { BenchSite } from './bench-site.ts';
import { publishEnvironment } from './bench-environment.ts';
import type { BenchTokens } from './bench-tokens.ts';
import { startGatewarden } from './gatewarden.ts';
import type { BenchOptions } from './options.ts';
import type { PinnedProcess } from './pinned-process.ts';
import type { TableRow } from './table.ts';

export const MEMORY_ROW = 'memory-and-boot';
const [FEW, SOME, MANY] = [100, 1_000, 5_000] as const;
const MOST_KB_PER_PROXY = 60;
/** By how much longer one more proxy may take among thousands than among hundreds. */
const MOST_BOOT_GROWTH = 1.5;
const SETTLED_WITHIN_MS = 45_000;
const LOOK_EVERY_MS = 500;
const QUIET_LOOKS = 10;
const QUIET_CHANGE = 0.005;

interface Sized {
  readonly readyMs: number;
  readonly residentBytes: number;
}

/** Starts with nothing on its disk, from Redis; each proxy has a VerifyJWT policy with a key of its own text. */
export async function runMemoryRow(site: BenchSite, tokens: BenchTokens, options: BenchOptions): Promise<TableRow[]> {
  const sizes = [FEW, SOME, MANY];
  const found: Sized[][] = sizes.map(() => []);
  const environments = [];
  for (const size of sizes) environments.push(await environmentOf(site, tokens, size));
  const starts = options.isQuick ? 1 : 3;
  for (let start = 0; start < starts; start += 1) {
    for (const [index, environment] of environments.entries()) {
      found[index]?.push(await startedWith(site, { ...environment, ...options.settings }, `m${sizes[index]}-${start}`));
    }
  }
  const of = (index: number, name: keyof Sized): number => median(found[index]!.map((one) => one[name]));
  const kb = (of(2, 'residentBytes') - of(0, 'residentBytes')) / 1_024 / (MANY - FEW);
  const [amongFew, amongMany] = [
    (of(1, 'readyMs') - of(0, 'readyMs')) / (SOME - FEW),
    (of(2, 'readyMs') - of(1, 'readyMs')) / (MANY - SOME),
  ];
  const growth = amongMany / amongFew;
  const megabytes = (index: number): string =>
    `${sizes[index]}: ${(of(index, 'residentBytes') / 2 ** 20).toFixed(0)} MB`;
  const seconds = (index: number): string => `${sizes[index]}: ${(of(index, 'readyMs') / 1_000).toFixed(2)} s`;
  const common = { beside: 'itself', theirs: '', notes: `${starts} starts each, medians` };
  return [
    {
      ...{ ...common, work: 'memory per proxy', wanted: `≤ ${MOST_KB_PER_PROXY} KB`, reached: `${kb.toFixed(1)} KB` },
      ...{ isMet: kb <= MOST_KB_PER_PROXY, ours: sizes.map((_size, index) => megabytes(index)).join(', ') },
    },
    {
      ...{ ...common, work: 'boot, one more proxy among 5,000 against 1,000', wanted: `≤ ${MOST_BOOT_GROWTH} ×` },
      ...{ reached: `${growth.toFixed(2)} ×`, isMet: growth <= MOST_BOOT_GROWTH },
      ours: `${sizes.map((_size, index) => seconds(index)).join(', ')}`,
    },
  ];
}

function environmentOf(site: BenchSite, tokens: BenchTokens, size: number): Promise<Record<string, string>> {
  const upstreamUrl = `http://127.0.0.1:${site.upstreamPort}`;
  const proxies = Array.from({ length: size }, (_none, index) => ({ name: `proxy-${index}`, upstreamUrl, tokens }));
  return publishEnvironment(site.redis.url, `bench-${size}`, proxies);
}

async function startedWith(site: BenchSite, settings: Record<string, string>, id: string): Promise<Sized> {
  const { process, readyAfterMs } = await startGatewarden(site, { id, settings });
  const residentBytes = await settledBytes(process);
  await process.stop();
  return { readyMs: readyAfterMs, residentBytes };
}

/** When it has not changed for a while; else what it is after so long. */
async function settledBytes(process: PinnedProcess): Promise<number> {
  const looks: number[] = [];
  for (let waitedMs = 0; waitedMs < SETTLED_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    looks.push(process.residentBytes());
    const last = looks.slice(-QUIET_LOOKS);
    const spread = (Math.max(...last) - Math.min(...last)) / Math.max(...last);
    if (last.length === QUIET_LOOKS && spread < QUIET_CHANGE) break;
    await pause(LOOK_EVERY_MS);
  }
  return looks.at(-1) ?? NaN;
}
