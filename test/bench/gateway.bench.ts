/**
 * What a request costs at the gateway: time on the processor (user and system, as the kernel counts it), beside HAProxy
 * and `@fastify/http-proxy` that do the same work, in turns, within one run. One core is the system under test's, the other
 * one is for everything else: wrk, nginx as the upstream, Redis. A round in which wrk and nginx took more than 90 % of their
 * core does not count, and one that other work of the machine disturbed does not either; where the load is too much, all
 * contestants of a row are asked more gently.
 *
 *     npm run bench -- gateway [--quick] [--row=<part of a name>] [--flame] [--set=NAME=value]
 *
 * The gateway is as delivered: the built program, one process, with the settings that it has when nobody sets any, its
 * configuration from a Redis. A missed target is printed, and exits with 1.
 */
import path from 'node:path';
import { benchTokens, DISTINCT_TOKENS } from './gateway/bench-tokens.ts';
import { BenchSite } from './gateway/bench-site.ts';
import { publishEnvironment } from './gateway/bench-environment.ts';
import { machineFacts } from './gateway/cores.ts';
import { drawFlameGraph } from './gateway/flame-row.ts';
import { startGatewarden } from './gateway/gatewarden.ts';
import { LATENCY_ROW, runLatencyRow } from './gateway/latency-row.ts';
import { MEMORY_ROW, runMemoryRow } from './gateway/memory-row.ts';
import { readOptions, type BenchOptions } from './gateway/options.ts';
import { proxyOf, runSpeedRow, SPEED_ROWS } from './gateway/speed-rows.ts';
import { tableText, type TableRow } from './gateway/table.ts';

const KEPT = path.resolve(import.meta.dirname, '../../.data/bench');

const isWanted =
  ({ rows, isFlameOnly }: BenchOptions) =>
  (name: string): boolean =>
    !isFlameOnly && (rows.length === 0 || rows.some((part) => name.includes(part)));

async function run(site: BenchSite, options: BenchOptions): Promise<TableRow[]> {
  const [RS256, ES256] = [await tokensOf('RS256'), await tokensOf('ES256')];
  const tokens = { RS256, ES256 };
  const wanted = isWanted(options);
  const upstreamUrl = `http://127.0.0.1:${site.upstreamPort}`;
  const proxies = [undefined, RS256, ES256].map((ofProxy) => ({
    ...{ name: proxyOf({ ...(ofProxy && { algorithm: ofProxy.algorithm }) }), upstreamUrl, tokens: ofProxy },
  }));
  const environment = await publishEnvironment(site.redis.url, 'bench', proxies);
  const settings = { ...environment, ...options.settings };
  const gateway = await startGatewarden(site, { id: 'bench', settings });
  const ground = { site, gateway, tokens, options };
  const lines: TableRow[] = [];
  const report = (more: TableRow[]): void => {
    lines.push(...more);
    for (const { work, beside, reached, wanted: target, ours, theirs } of more) {
      console.log(`${work}, ${beside}: ${reached} (${target})  ${ours}  |  ${theirs}`);
    }
  };
  for (const row of SPEED_ROWS) if (wanted(row.name)) report(await runSpeedRow(row, ground));
  if (wanted(LATENCY_ROW)) report(await runLatencyRow(ground));
  await gateway.process.stop();
  if (wanted(MEMORY_ROW)) report(await runMemoryRow(site, RS256, options));
  if (options.rows.length === 0) console.log(await drawFlameGraph(site, { settings, tokens: RS256, directory: KEPT }));
  return lines;
}

const tokensOf = (algorithm: 'RS256' | 'ES256') => benchTokens(algorithm, KEPT, DISTINCT_TOKENS);

const options = readOptions(process.argv.slice(2));
// Signed with both cores, before this process keeps to one.
for (const algorithm of ['RS256', 'ES256'] as const) await tokensOf(algorithm);
const site = await BenchSite.open();
const interrupted = new Promise<never>((_resolve, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => reject(new Error(`ended by ${signal}`)));
});
try {
  const rows = await Promise.race([run(site, options), interrupted]);
  if (rows.length > 0) console.log(`\n${tableText(rows)}\n\n${[machineFacts(), ...site.versions].join('\n')}`);
  if (rows.some(({ isMet }) => isMet === false)) process.exitCode = 1;
} finally {
  await site.close();
}
