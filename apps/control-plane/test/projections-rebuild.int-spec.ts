import { jest } from '@jest/globals';
import { openHistory, type OpenHistory } from '../src/maintenance/open-history.ts';
import { PROJECTIONS_REBUILD } from '../src/maintenance/projections-rebuild.ts';
import { WrongArguments } from '../src/maintenance/run-command.ts';
import { PROJECTIONS } from '../src/slices.ts';
import { credentialBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const TABLES = PROJECTIONS.flatMap(({ tables }) => tables);

let plane: RunningControlPlane;
let history: OpenHistory;
let printed: { stdout: string; stderr: string };
beforeAll(async () => {
  plane = await RunningControlPlane.start();
  const { name } = await plane.environment();
  await plane.done('POST', `/environments/${name}/revocations/`, { everybody: true });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  await plane.done('POST', '/projects/shop/credentials/', credentialBody('alice', 'a password'));
  history = await openHistory({ DATABASE_URL: plane.database.url, MASTER_KEY: plane.masterKey.toString('base64') });
});
afterAll(async () => {
  await history.close();
  await plane.close();
});
beforeEach(() => {
  printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[stream], 'write').mockImplementation((text) => {
      printed[stream] += String(text);
      return true;
    });
  }
});
afterEach(() => jest.restoreAllMocks());

const run = (...names: string[]) => PROJECTIONS_REBUILD.run(history, { values: {}, positionals: names });

async function rows(): Promise<unknown[]> {
  await plane.readModelsShown();
  const read = async (table: string) => (await plane.pool.query<object>(`select * from ${table} order by 1`)).rows;
  return Promise.all(TABLES.map(read));
}

/** What no event says. */
const spoil = () => plane.pool.query(TABLES.map((table) => `delete from ${table}`).join(';'));

describe('npm run projections:rebuild', () => {
  it('makes all read models anew beside a running control plane', async () => {
    const before = await rows();
    await spoil();
    expect(await run()).toBe(0);
    expect(await rows()).toEqual(before);
    for (const { name } of PROJECTIONS)
      expect(printed.stdout).toMatch(new RegExp(`^${name}: rebuilt from \\d+ events`, 'm'));
  });

  it('makes only those anew that are named', async () => {
    const before = await rows();
    await spoil();
    expect(await run('credentials', 'projects', 'credentials')).toBe(0);
    const after = await rows();
    for (const [index, table] of TABLES.entries()) {
      const isRebuilt = ['read_credentials', 'read_projects'].includes(table);
      expect([table, after[index]]).toEqual([table, isRebuilt ? before[index] : []]);
    }
    expect(printed.stdout.trim().split('\n')).toHaveLength(2);
    await run();
    expect(await rows()).toEqual(before);
  });

  it('knows its read models, and names them', async () => {
    const before = await rows();
    const refused = run('projects', 'nobody');
    await expect(refused).rejects.toBeInstanceOf(WrongArguments);
    await expect(refused).rejects.toThrow(/no read model nobody; there are: .*projects.*credentials/);
    for (const { name } of PROJECTIONS) expect(PROJECTIONS_REBUILD.help).toContain(name);
    expect(await rows()).toEqual(before);
  });

  it('says which one another process is rebuilding, does the others, and fails', async () => {
    const before = await rows();
    await spoil();
    const other = await plane.pool.connect();
    await other.query(`select pg_advisory_lock(hashtextextended('projection rebuild of environments', 0))`);
    expect(await run()).toBe(2);
    expect(printed.stderr).toMatch(/^environments: not rebuilt.*another rebuild/m);
    expect(printed.stdout).not.toMatch(/^environments/m);
    // Not by its end, which comes when it comes.
    await other.query('select pg_advisory_unlock_all()');
    other.release(true);
    expect((await rows()).filter((each) => (each as object[]).length === 0)).toHaveLength(1);
    expect(await run('environments')).toBe(0);
    expect(await rows()).toEqual(before);
  });
});
