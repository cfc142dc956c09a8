import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startRedis } from '#libs/embedded-servers';
import { capacityTable } from './capacity-table.ts';
import { measureGateways, measureProxies } from './measure-capacity.ts';

/** `capacity.main.ts <gateways> <proxies> <changes>`, as `npm run capacity` calls it. */
const [gateways = 0, proxies = 0, changes = 0] = process.argv.slice(2).map(Number);

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-capacity-'));
const server = await startRedis({ dataDir: directory, appendOnly: false });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
process.on('exit', () => {
  process.kill(server.pid, 'SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});
const say = (line: string): void => console.error(line);
const options = { redisUrl: server.url, gateways, proxies, changes, processes: 4, idleMs: 10_000, say };
const ofGateways = await measureGateways(options);
const ofProxies = await measureProxies(options);
console.log(`\n${capacityTable(ofGateways, ofProxies)}`);
const isWhole =
  ofProxies.join.found === proxies && ofProxies.whole.found === proxies && ofGateways.leases.found === gateways;
process.exit(isWhole ? 0 : 1);
