import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { capacityTable } from '../capacity/capacity-table.ts';
import { measureGateways, measureProxies, type FanOut } from '../capacity/measure-capacity.ts';

const GATEWAYS = 20;
const PROXIES = 200;

/** What a machine takes for it is not judged here: everything has to arrive, and to be counted. */
describe('npm run capacity, its short form', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-e2e-'));
  let server: RunningServer;
  const options = () => ({
    ...{ redisUrl: server.url, gateways: GATEWAYS, proxies: PROXIES, changes: 5, processes: 2, idleMs: 2_000 },
    say: () => undefined,
  });
  const isOrdered = ({ half, all }: FanOut): boolean =>
    half.median > 0 && half.median <= all.median && half.p99 <= all.p99;

  beforeAll(async () => {
    server = await startRedis({ dataDir: directory, appendOnly: false });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('has every gateway follow every change, say so in its lease, and take two connections', async () => {
    const measured = await measureGateways(options());
    expect(measured).toMatchObject({ gateways: GATEWAYS, connections: 2 * GATEWAYS, leases: { found: GATEWAYS } });
    expect(isOrdered(measured.fanOut)).toBe(true);
    expect(measured.redisBytesPerGateway).toBeGreaterThan(1_000);
    expect(measured.idle.commands).toBeGreaterThan(0);
    const proxies = await measureProxies(options());
    expect(proxies).toMatchObject({ proxies: PROXIES, join: { found: PROXIES }, whole: { found: PROXIES } });
    expect(isOrdered(proxies.fanOut)).toBe(true);
    expect(proxies.redisBytesPerProxy).toBeGreaterThan(2_400);
    const rows = capacityTable(measured, proxies).split('\n');
    expect(rows).toContain(`| gateways in one environment | ${GATEWAYS} |`);
    expect(rows.join()).not.toMatch(/NaN|Infinity|undefined/);
  }, 120_000);
});
