import { PROJECTIONS } from '../src/slices.ts';
import { NOT_IN_WRITES, prepareForWrites, writesOn, writesServedBy, type Write } from './testing/every-write.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

/** Made from the log alone, and a moment later: read models, how far readers are, and what is signed of it. */
const FOLLOWING = [...PROJECTIONS.flatMap(({ tables }) => tables), 'projection_', 'history_checkpoints'];
const isFollowing = (table: string): boolean => FOLLOWING.some((name) => table.startsWith(name));

let plane: RunningControlPlane;
afterAll(() => plane.close());

/** Every row of every table, by table. */
async function dump(): Promise<Record<string, string>> {
  const tables = await plane.pool.query<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
  );
  const contents: Record<string, string> = {};
  for (const { name } of tables.rows.filter((table) => !isFollowing(table.name))) {
    const found = await plane.pool.query<{ rows: string | null }>(
      `select string_agg(row::text, E'\\n' order by row::text) as rows from ${name} row`,
    );
    contents[name] = found.rows[0]?.rows ?? '';
  }
  return contents;
}

/** Nothing is left to be done by itself. */
const isQuiet = async (): Promise<boolean> => {
  const open = await plane.pool.query(
    `select 1 from deployments where state = 'pending' union all select 1 from identity_wishes
     union all select 1 from token_revocations where told_sequence is null
     union all select 1 from rollouts where state = 'running' union all
     select 1 from environment_channels where repair_after is not null union all
     select 1 from key_rotations where look_at <= now() union all
     select 1 from names where kind = 'environment' and entity_id not in (select environment_id from environment_channels)`,
  );
  return open.rowCount === 0;
};

/** The same call with something in it that must be refused. */
function refusalsOf({ method, path, body }: Write): { what: string; call: Parameters<RunningControlPlane['call']> }[] {
  const nobody = { authorization: 'Bearer gwt_nobody' };
  const viewer = { authorization: `Bearer ${viewToken}` };
  const isObject = typeof body === 'object' && body !== null;
  const nowhere = path.replace(/^(\/[^/]+)\/[^/]+\/|^(\/[^/]+)\/$/, '$1$2/nowhere/');
  return [
    { what: 'by nobody', call: [method, path, body, nobody] },
    { what: 'by somebody who may only look', call: [method, path, body, viewer] },
    ...(isObject ? [{ what: 'unknown member', call: [method, path, { ...body, nonsense: 1 }] as never }] : []),
    { what: 'of something that is not there', call: [method, nowhere, body] },
  ];
}

let viewToken = '';

describe('every call that changes something', () => {
  it('adds an event that says who, by which request and why; refused it changes no table', async () => {
    plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    // Without one that lives a rotation waits for nobody, and goes on in the middle of a call.
    await gateway.appliesEverything();
    const environments = await prepareForWrites(plane, environment.name);
    const viewer = await plane.done('POST', '/tokens/', { name: 'viewer', permissions: ['VIEW'], projects: ['*'] });
    viewToken = String(viewer.resultList[0]?.['token']);
    const served = new Set(writesServedBy(plane));
    const wrong: unknown[] = [];
    for (const [index, prepare] of writesOn(plane, environments).entries()) {
      const write = await prepare();
      const name = `${write.method} ${write.route}`;
      if (!served.delete(name)) continue;
      await until('everything is done', isQuiet);
      const before = await dump();
      for (const { what, call } of refusalsOf(write)) {
        const { status } = await plane.call(...call);
        const after = await dump();
        const changed = Object.keys(before).filter((table) => after[table] !== before[table]);
        if (status < 400 || changed.length > 0) wrong.push({ name, what, status, changed });
      }
      const headers = { 'x-request-id': `request-${index}`, 'x-change-reason': `ticket ${index}` };
      const { status, text } = await plane.call(write.method, write.path, write.body, headers);
      const own = (await plane.events()).filter(({ metadata }) => metadata['requestId'] === `request-${index}`);
      const isSaid = own.every(({ metadata: { actor, reason } }) => actor === 'admin' && reason === `ticket ${index}`);
      if (status !== 200 || own.length === 0 || !isSaid) wrong.push({ name, status, text, own });
    }
    await gateway.ends();
    expect(wrong).toEqual([]);
    expect([...served].filter((name) => !NOT_IN_WRITES.includes(name))).toEqual([]);
  }, 120_000);
});
