import type pg from 'pg';
import { waitedFor, whileOpen } from './testing/open-transactions.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

type Statement = readonly [text: string, values: unknown[]];
type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const PROXIES = '/projects/shop/apiProxies';
/** For whoever waits for nothing but a lock. */
const SOON_MS = 10_000;

/** Statements of one change are sent without waiting for each other; nobody deploys, so what is recorded stays. */
let plane: RunningControlPlane;
/** In the order in which changes take them. */
let one: Environment;
let two: Environment;
let proxies = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  const made = [await plane.environment(), await plane.environment()] as const;
  [one, two] = made[0].id < made[1].id ? made : [made[1], made[0]];
});
afterAll(() => plane.close());

const order = (...environments: Environment[]) => ({
  deploy: true,
  deployTargetEnvironmentNameList: environments.map(({ name }) => name),
});
const nextName = (): string => {
  proxies += 1;
  return `p${proxies}`;
};
const create = (name: string, path: string, ...environments: Environment[]): Promise<Answer> =>
  plane.call('POST', `${PROXIES}/url/`, {
    ...proxyBody(name, { clientRoute: { relativePathList: [path] } }),
    ...order(...environments),
  });
const remove = (path: string) => plane.call('DELETE', path);

/** What happens while a statement holds something, which is then let go. */
const whileHeld = <Value>([text, values]: Statement, happen: (holder: pg.PoolClient) => Promise<Value>) =>
  whileOpen(plane.pool, async (holder) => {
    await holder.query(text, values);
    return happen(holder);
  });

/** Starts changes one after the other, each of which comes to wait for what is held; gives their statuses. */
async function queuedBehind(statement: Statement, changes: readonly (() => Promise<Answer>)[]): Promise<number[]> {
  const running: Promise<Answer>[] = [];
  await whileHeld(statement, async (holder) => {
    for (const change of changes) {
      running.push(change());
      await waitedFor(holder, running.length);
    }
  });
  return (await Promise.all(running)).map(({ status }) => status);
}

const routesOf = ({ id }: Environment): Statement => [
  'select pg_advisory_xact_lock(hashtextextended($1, 1))',
  [`routes-${id}`],
];
const nameOf = ({ name }: Environment): Statement => [
  `select 1 from names where kind = 'environment' and name = $1 for update`,
  [name],
];

/** By their numbers. */
const newestOf = async ({ id }: Environment) =>
  (
    await plane.pool.query<{ proxy_id: string; kind: string; deployment: string }>(
      'select proxy_id, kind, deployment from newest_deployments where environment_id = $1 order by deployment',
      [id],
    )
  ).rows;

/** Everything that a change that deploys leaves behind. */
async function recorded(): Promise<unknown> {
  const [counted] = (
    await plane.pool.query<object>(`select
      (select count(*) from events) as events,
      (select count(*) from names) as names,
      (select count(*) from deployments) as deployments,
      (select jsonb_agg(newest order by environment_id, proxy_id) from newest_deployments newest) as newest,
      (select jsonb_agg(claims order by environment_id, host, path, method) from route_claims claims) as routes,
      (select jsonb_object_agg(environment_id, last_deployment) from deployment_counters) as numbers`)
  ).rows;
  return counted;
}

describe('two proxies that claim one route at the same moment', () => {
  it('get it once', async () => {
    const claim = () => create(nextName(), '/once', one);
    expect(await queuedBehind(routesOf(one), [claim, claim])).toEqual([200, 409]);
  });

  it('take all routes before any number, so that nobody waits for them in a circle', async () => {
    const leaving = nextName();
    await create(leaving, '/left', one, two);
    let coming: Promise<Answer> | undefined;
    await whileHeld(routesOf(two), async (holder) => {
      coming = create(nextName(), '/coming', two, one);
      await waitedFor(holder);
      // Its routes are free at once, and it needs numbers of both environments.
      const left = remove(`${PROXIES}/${leaving}/`);
      await until('it has left', async () => (await newestOf(two)).at(-1)?.kind === 'undeploy', SOON_MS);
      expect((await left).status).toBe(200);
    });
    expect((await coming)?.status).toBe(200);
  });
});

describe('an environment that is deleted at the same moment', () => {
  const path = ({ name }: Environment) => `/environments/${name}/`;

  it('is gone for whoever deploys to it, of whom nothing is recorded', async () => {
    const gone = await plane.environment();
    const deploy = () => create(nextName(), '/too-late', one, gone);
    expect(await queuedBehind(nameOf(gone), [() => remove(path(gone)), deploy])).toEqual([200, 409]);
    expect(await newestOf(gone)).toEqual([]);
    expect((await create(nextName(), '/too-late', one)).status).toBe(200);
  });

  it('stays for whoever was there before', async () => {
    const used = await plane.environment();
    const deploy = () => create(nextName(), '/just-in-time', one, used);
    expect(await queuedBehind(nameOf(used), [deploy, () => remove(path(used))])).toEqual([200, 409]);
    expect(await newestOf(used)).toHaveLength(1);
  });
});

describe('a change that is refused in the middle', () => {
  it('by a route in its second environment leaves nothing, and a clean connection', async () => {
    await create(nextName(), '/taken', two);
    const before = await recorded();
    const refused = await Promise.all(Array.from({ length: 20 }, () => create(nextName(), '/taken', one, two)));
    expect(refused.map(({ status, body }) => [status, body.error])).toEqual(refused.map(() => [409, 'conflict']));
    expect(await recorded()).toEqual(before);
    expect((await create(nextName(), '/free', one, two)).status).toBe(200);
  });

  /** Each insert into a table fails in its own words, so many times. */
  async function refusing<Value>(
    table: string,
    { code, times }: { readonly code: string; readonly times: number },
    happen: () => Promise<Value>,
  ): Promise<Value> {
    await plane.pool.query(`create sequence refusals`);
    // A sequence counts what is rolled back too.
    await plane.pool.query(`create function refuse() returns trigger language plpgsql as $$ begin
      if nextval('refusals') <= ${times} then raise exception 'not this one' using errcode = '${code}'; end if;
      return new;
    end $$`);
    await plane.pool.query(`create trigger refuse before insert on ${table} for each row execute function refuse()`);
    try {
      return await happen();
    } finally {
      await plane.pool.query('drop function refuse cascade');
      await plane.pool.query('drop sequence refusals');
    }
  }
  const policyOf = async () => {
    const name = nextName();
    await plane.done('POST', `${PROXIES}/url/`, proxyBody(name));
    return () => plane.call('POST', `${PROXIES}/${name}/policies/issue/`, policyBody(order(one, two)));
  };
  const TABLES = ['events', 'route_claims', 'deployment_counters', 'deployments', 'newest_deployments'];

  it.each(TABLES)('by the database, in %s, leaves nothing, says why, and a clean connection', async (table) => {
    const change = await policyOf();
    const [before, logged] = [await recorded(), plane.logLines.length];
    const { status } = await refusing(table, { code: 'P0001', times: 1 }, change);
    expect([status, plane.logLines.slice(logged).join('')]).toEqual([500, expect.stringContaining('not this one')]);
    expect(await recorded()).toEqual(before);
    expect((await change()).status).toBe(200);
  });

  it.each(TABLES)('by a deadlock, in %s, is done again', async (table) => {
    const { status } = await refusing(table, { code: '40P01', times: 2 }, await policyOf());
    expect(status).toBe(200);
  });
});

describe('the numbers of an environment', () => {
  it('are given in the order of the events that name them, whoever asks', async () => {
    const another = await plane.process();
    const names = Array.from({ length: 8 }, nextName);
    for (const name of names) await plane.done('POST', `${PROXIES}/url/`, proxyBody(name));
    const deploy = (name: string, at: number) => {
      const change = `${PROXIES}/${name}/environments/${one.name}/`;
      if (at % 2 === 0) return plane.call('POST', change);
      return another.inject({
        method: 'POST',
        url: `/apiops${change}`,
        headers: { authorization: `Bearer ${plane.adminToken}` },
      });
    };
    await Promise.all([...names, ...names, ...names].map(deploy));
    const numbers = (await plane.events())
      .filter(({ type, data }) => type === 'DeploymentRequested' && data['environmentId'] === one.id)
      .map(({ data }) => Number(data['deployment']));
    expect(numbers).toEqual(numbers.map((_number, at) => at + 1));
    const newest = new Map<unknown, number>();
    for (const { type, data } of await plane.events()) {
      if (type === 'DeploymentRequested' && data['environmentId'] === one.id)
        newest.set(data['proxyId'], Number(data['deployment']));
    }
    const kept = await newestOf(one);
    expect(new Map(kept.map((row) => [row.proxy_id, Number(row.deployment)]))).toEqual(newest);
  });
});
