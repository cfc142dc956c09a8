import { policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;
interface Fact {
  readonly kind: string;
  readonly changed?: boolean;
  readonly count?: number;
  readonly items?: readonly { readonly name: string; readonly state: string }[];
}
interface RolledBack {
  readonly revision: number;
  readonly since: string;
  readonly facts: ReadonlyMap<string, Fact>;
  readonly environments: readonly string[];
}

const P = '/projects/shop';
let plane: RunningControlPlane;
let one: Environment;
let other: Environment;

async function rolledBack(path: string, body?: object): Promise<RolledBack> {
  const { resultList, deploymentResult } = await plane.done('POST', `${P}/apiProxies/${path}`, body);
  const result = resultList[0] as { revision: number; since: string; notRolledBack: readonly Fact[] };
  const facts = new Map(result.notRolledBack.map((fact) => [fact.kind, fact]));
  const environments = deploymentResult.deploymentResults.map(({ environmentName }) => environmentName);
  return { revision: result.revision, since: result.since, facts, environments };
}
const statesIn = ({ facts }: RolledBack, kind: string) =>
  Object.fromEntries((facts.get(kind)?.items ?? []).map(({ name, state }) => [name, state]));
const to = (...environments: Environment[]) => ({
  deploy: true,
  deployTargetEnvironmentNameList: environments.map(({ name }) => name),
});
const everywhere = (globalValue: string) => ({ global: true, globalValue });
const variable = (method: 'POST' | 'PUT' | 'DELETE', name: string, body?: object) =>
  plane.done(method, `${P}/environmentVariables/${name}/`, body);

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  [one, other] = [await plane.environment(), await plane.environment()];
});
afterAll(() => plane.close());

describe('a rollback says what differs from then', () => {
  it('of each variable that the policies name: the same, another, created later or deleted since', async () => {
    const names = ['same', 'rewritten', 'changed', 'later', 'gone', 'reborn'];
    for (const name of names.filter((each) => each !== 'later'))
      await variable('POST', `private.${name}`, everywhere(name));
    await variable('POST', 'private.unused', everywhere('x'));
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('named'));
    for (const name of names) {
      await plane.done('POST', `${P}/apiProxies/named/policies/${name}/`, verificationBody({}, `private.${name}`));
    }
    const before = await rolledBack('named/revisions/7/rollback/');
    expect(before.facts.get('environmentVariables')).toMatchObject({ changed: false });
    expect(before.facts.get('credentials')).toMatchObject({ changed: false, count: 0 });
    expect(statesIn(before, 'environmentVariables')).not.toHaveProperty('private.later');

    await variable('PUT', 'private.rewritten', everywhere('rewritten'));
    await variable('PUT', 'private.changed', everywhere('another'));
    await variable('PUT', 'private.unused', everywhere('another'));
    await variable('POST', 'private.later', everywhere('later'));
    await variable('DELETE', 'private.gone');
    await variable('DELETE', 'private.reborn');
    await variable('POST', 'private.reborn', everywhere('of another kind'));
    const after = await rolledBack('named/revisions/7/rollback/');
    expect(after.facts.get('environmentVariables')).toMatchObject({ changed: true });
    expect(statesIn(after, 'environmentVariables')).toEqual({
      ...{ 'private.same': 'same', 'private.rewritten': 'same', 'private.changed': 'changed' },
      ...{ 'private.later': 'createdLater', 'private.gone': 'deletedSince', 'private.reborn': 'changed' },
    });
  });

  it('in the environments that it is deployed to, and for no other', async () => {
    const values = (first: string, second: string) => ({
      environmentValueList: [
        { environmentName: one.name, value: first, visible: true },
        { environmentName: other.name, value: second, visible: true },
      ],
    });
    await variable('POST', 'private.placed', values('a', 'a'));
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('placed'));
    await plane.done('POST', `${P}/apiProxies/placed/policies/a/`, verificationBody({}, 'private.placed'));
    await variable('PUT', 'private.placed', values('b', 'a'));
    const at = async (...environments: Environment[]) =>
      statesIn(await rolledBack('placed/revisions/2/rollback/', to(...environments)), 'environmentVariables');
    expect(await at(other)).toEqual({ 'private.placed': 'same' });
    expect(await at(one)).toEqual({ 'private.placed': 'changed' });
    expect(await at(one, other)).toEqual({ 'private.placed': 'changed' });
    // One value for all of them now, which is what each had of its own then.
    await variable('PUT', 'private.placed', everywhere('a'));
    expect(await at(one, other)).toEqual({ 'private.placed': 'same' });
  });

  it('of what a variable holds, and not of whether it may be read back', async () => {
    await variable('POST', 'shown', { ...everywhere('a value'), globalVisible: true });
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('shown'));
    await plane.done('POST', `${P}/apiProxies/shown/policies/a/`, policyBody({}, { condition: 'shown = "x"' }));
    await variable('PUT', 'shown', { ...everywhere('a value'), globalVisible: false });
    const after = await rolledBack('shown/revisions/2/rollback/');
    expect(statesIn(after, 'environmentVariables')).toEqual({ shown: 'same' });
  });

  it('of settings of the environments that it is deployed to', async () => {
    await plane.done('POST', `${P}/apiProxies/url/`, { ...proxyBody('issued'), ...to(one) });
    const at = async (body?: object) =>
      (await rolledBack('issued/revisions/1/rollback/', body)).facts.get('environments');
    expect(await at(to(one))).toMatchObject({ changed: false, items: [{ name: one.name, state: 'same' }] });
    const later = await plane.environment();
    await plane.done('PUT', `/environments/${one.name}/`, { tokenIssuer: `https://issuer.example/${one.name}` });
    expect(await at(to(one, later))).toMatchObject({
      changed: true,
      items: expect.arrayContaining([
        expect.objectContaining({ name: one.name, state: 'changed' }),
        expect.objectContaining({ name: later.name, state: 'createdLater' }),
      ]) as unknown,
    });
    expect(await at()).toMatchObject({ changed: false, items: [] });
  });

  it('of keys that policies sign with, of the key pair and of how many users', async () => {
    const key = { name: 'signing', type: 'EC', ec: { curveType: 'P256' } };
    await plane.done('POST', `${P}/jwks/generate`, key);
    const signed = { jwtSignatureAlgorithm: 'ES256', keyStoreName: 'signing' };
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('signed'));
    await plane.done('POST', `${P}/apiProxies/signed/policies/a/`, policyBody({}, signed));
    expect(statesIn(await rolledBack('signed/revisions/2/rollback/'), 'keyStores')).toEqual({ signing: 'same' });
    await plane.done('POST', `${P}/jwks/signing/rotate/`);
    await plane.done('PATCH', `${P}/apiProxies/signed/settings/keys/`, { publicKey: 'another-client' });
    const user = { username: 'ada', password: 'a first password', email: 'ada@example.org', fullName: 'Ada' };
    await plane.done('POST', `${P}/credentials/`, user);
    await plane.done('POST', `${P}/credentials/`, { ...user, username: 'bob' });
    await plane.done('DELETE', `${P}/credentials/bob/`);
    const after = await rolledBack('signed/revisions/2/rollback/');
    expect(statesIn(after, 'keyStores')).toEqual({ signing: 'changed' });
    expect(after.facts.get('keys')).toMatchObject({ changed: true });
    expect(after.facts.get('credentials')).toMatchObject({ changed: true, count: 2 });
    await plane.done('DELETE', `${P}/apiProxies/signed/`);
    await plane.done('DELETE', `${P}/jwks/signing/`);
  });

  it('then is when that deployment was asked for, or when the revision was last deployed, or recorded', async () => {
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('timed'));
    const X = `${P}/apiProxies/timed`;
    const { resultList: revisions } = await plane.done('GET', `${X}/revisions/`);
    expect((await rolledBack('timed/revisions/1/rollback/')).since).toBe(revisions[0]?.['at']);
    for (const environment of [one, other, one]) {
      await plane.done('POST', `${X}/environments/${environment.name}/`, { revision: 1 });
    }
    const { resultList: rows } = await plane.done('GET', `${X}/deploy-histories/`);
    const [last, inOther, first] = rows as unknown as { deployment: number; deploymentTime: string }[];
    expect((await rolledBack('timed/revisions/1/rollback/')).since).toBe(last?.deploymentTime);
    expect((await rolledBack('timed/revisions/1/rollback/', to(other))).since).toBe(inOther?.deploymentTime);
    await plane.done('PATCH', `${X}/settings/keys/`, { publicKey: 'timed-client' });
    const toFirst = `timed/deploy-histories/${first?.deployment}/rollback/?environmentName=${one.name}`;
    const back = await rolledBack(toFirst);
    expect(back.since).toBe(first?.deploymentTime);
    expect(back.facts.get('keys')).toMatchObject({ changed: true });
    // As if the process that deployed it had a clock an hour behind the one that created the proxy.
    const slower = `update deployments set requested_at = requested_at - interval '1 hour' where deployment = $1
                    and environment_id = $2`;
    await plane.pool.query(slower, [first?.deployment, one.id]);
    expect((await rolledBack(toFirst)).facts.get('keys')).toMatchObject({ changed: true });
  });
});

describe('a rollback to a revision goes', () => {
  it('to one environment, to several, or to those that have the proxy; and back again', async () => {
    await plane.done('POST', `${P}/apiProxies/url/`, { ...proxyBody('moving'), ...to(one, other) });
    await plane.done('POST', `${P}/apiProxies/moving/policies/a/`, policyBody(to(one, other)));
    const both = [one.name, other.name].sort();
    const contentAt = async (revision: number) => {
      const { resultList } = await plane.done('GET', `${P}/apiProxies/moving/revisions/${revision}/`);
      return { ...resultList[0], revision: 0 };
    };
    const single = await rolledBack('moving/revisions/1/rollback/', to(one));
    expect([single.revision, single.environments]).toEqual([3, [one.name]]);
    const again = await rolledBack('moving/revisions/2/rollback/', to(one, other));
    expect([again.revision, [...again.environments].sort()]).toEqual([4, both]);
    const everywhereNow = await rolledBack('moving/revisions/3/rollback/', { deploy: true });
    expect([everywhereNow.revision, [...everywhereNow.environments].sort()]).toEqual([5, both]);
    expect(await contentAt(5)).toEqual(await contentAt(1));
    expect(await contentAt(4)).toEqual(await contentAt(2));
    expect(await contentAt(4)).not.toEqual(await contentAt(5));
  });
});

describe('retention', () => {
  it('answers as many deployments as the settings say, and keeps all of them', async () => {
    const { app } = plane;
    const few = await plane.process({ deployHistoryLimit: 2 });
    await plane.done('POST', `${P}/apiProxies/url/`, { ...proxyBody('kept'), ...to(one) });
    for (let time = 0; time < 3; time += 1) await plane.done('POST', `${P}/apiProxies/kept/environments/${one.name}/`);
    const listed = async (asked: typeof app, query = ''): Promise<number[]> => {
      const url = `/apiops${P}/apiProxies/kept/deploy-histories/${query}`;
      const headers = { authorization: `Bearer ${plane.adminToken}` };
      const answer = await asked.inject({ method: 'GET', url, headers });
      const { resultList } = answer.json<{ resultList: { deployment: number }[] }>();
      return resultList.map(({ deployment }) => deployment);
    };
    const all = await listed(app);
    expect(all).toHaveLength(4);
    expect(await listed(few)).toEqual(all.slice(0, 2));
    expect(await listed(few, '?limit=3')).toEqual(all.slice(0, 3));
    const before = `?environmentName=${one.name}&before=${all[1]}`;
    expect(await listed(few, before)).toEqual(all.slice(2));
    expect(await listed(app)).toEqual(all);
    // Of two that were asked for at once, the later number may have the earlier moment.
    const earlier = `update deployments set requested_at = requested_at - interval '1 hour' where deployment = $1
                     and environment_id = $2`;
    await plane.pool.query(earlier, [all[1], one.id]);
    const pages: number[] = [];
    for (const _page of all)
      pages.push(...(await listed(app, `?environmentName=${one.name}&limit=1&before=${pages.at(-1) ?? 1e9}`)));
    expect(pages).toEqual(all);
    const rows = await plane.pool.query(
      `select 1 from events where type = 'DeploymentRequested' and data ->> 'proxyId' =
         (select entity_id from names where kind = 'api-proxy' and name = 'kept')`,
    );
    expect(rows.rowCount).toBe(4);
    const refused = await plane.call('GET', `${P}/apiProxies/kept/deploy-histories/?before=3`);
    expect(refused).toMatchObject({ status: 400, body: { validation_errors: [{ field: 'environmentName' }] } });
  });
});
