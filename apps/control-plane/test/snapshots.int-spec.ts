import { apiProxyDecider } from '../src/api-proxies/domain/index.ts';
import { HistoryKeys, PostgresEventStore } from '#libs/event-store';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const SHAPE = apiProxyDecider.snapshotShape;

const PROXIES = '/projects/shop/apiProxies';
const X = `${PROXIES}/orders`;
const CHANGES = 240;
const PASSED_OVER = 'a snapshot in the database was not made here';

let plane: RunningControlPlane;
let stream: string;
/** What the proxy was described as, by revision. */
const descriptions = new Map<number, string>();
let middle: string;

const change = (text: string) =>
  plane.done('PUT', `${PROXIES}/url/`, proxyBody('orders', { apiProxyDescription: text }));
const proxyNow = async () => (await plane.done('GET', `${X}/`)).resultList[0] ?? {};
const revisionNow = async () => Number((await proxyNow())['revision']);

/** What can be read of the past, and never changes. */
async function past(): Promise<string[]> {
  const paths = [
    ...[`/?at=${middle}`, '/diff/?from=99&to=210', '/events/?after=95&limit=10', '/events/?after=199&limit=41'],
    ...['/revisions/?after=95&limit=10', '/revisions/?after=185&limit=20'],
    ...[1, 2, 99, 100, 101, 150, 199, 200, 201, 225].map((revision) => `/revisions/${revision}/`),
  ];
  const texts: string[] = [];
  for (const path of paths) texts.push(JSON.stringify((await plane.done('GET', `${X}${path}`)).resultList));
  return texts;
}

async function snapshots(streamId = stream): Promise<string[]> {
  const found = await plane.pool.query<{ shape: string; version: number }>(
    'select shape, version from stream_snapshots where stream_id = $1 order by shape, version',
    [streamId],
  );
  return found.rows.map(({ shape, version }) => `${shape} ${version}`);
}

async function streamOf(kind: string, name: string, prefix: string): Promise<string> {
  const named = 'select entity_id from names where kind = $1 and name = $2';
  const found = await plane.pool.query<{ entity_id: string }>(named, [kind, name]);
  return `${prefix}-${found.rows[0]?.entity_id}`;
}

const passedOver = () => plane.logLines.filter((line) => line.includes(PASSED_OVER) && line.includes(stream));

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${PROXIES}/url/`, proxyBody('orders'));
  await plane.done('POST', `${X}/policies/issue/`, policyBody());
  stream = await streamOf('api-proxy', 'orders', 'apiProxy');
  let revision = 2;
  for (let version = 3; version <= CHANGES; version += 1) {
    if (version === 120) middle = new Date().toISOString();
    if (version % 30 === 0) {
      await plane.done('PATCH', `${X}/settings/keys/`, { secretKey: `a secret of its own, number ${version}` });
      continue;
    }
    revision += 1;
    descriptions.set(revision, `change ${version}`);
    await change(`change ${version}`);
  }
});
afterAll(() => plane.close());

describe('snapshots of a long history', () => {
  const KEPT = [`${SHAPE} 100`, `${SHAPE} 200`];

  it('are kept at every hundredth version', async () => {
    expect(await snapshots()).toEqual(KEPT);
  });

  it('give every revision again as it was', async () => {
    for (const [revision, description] of descriptions) {
      const { resultList } = await plane.done('GET', `${X}/revisions/${revision}/`);
      expect(resultList[0]).toMatchObject({ revision, apiProxyDescription: description });
    }
    const next = (await revisionNow()) + 1;
    expect((await plane.call('GET', `${X}/revisions/${next}/`)).status).toBe(404);
  });

  it('may be deleted: every answer is the same, and the next change keeps them again', async () => {
    const before = await past();
    await plane.pool.query('delete from stream_snapshots');
    expect(await past()).toEqual(before);
    expect(await snapshots()).toEqual([]);
    await change('after they were deleted');
    expect(await snapshots()).toEqual(KEPT);
    expect(await past()).toEqual(before);
    expect(await proxyNow()).toMatchObject({ apiProxyDescription: 'after they were deleted' });
  });

  it('are passed over and logged when somebody altered them, and made anew by the next change', async () => {
    const before = await past();
    await plane.pool.query(`update stream_snapshots set state = to_jsonb(replace(state #>> '{}', 'change', 'forged'))`);
    expect(await past()).toEqual(before);
    expect(passedOver().length).toBeGreaterThan(0);
    await change('after they were altered');
    const logged = passedOver().length;
    expect(await past()).toEqual(before);
    expect(await proxyNow()).toMatchObject({ apiProxyDescription: 'after they were altered' });
    expect(passedOver()).toHaveLength(logged);
    expect(plane.logLines.join()).not.toContain('forged');
  });

  it.each([
    ['under another key', SHAPE, async () => HistoryKeys.derivedFrom(Buffer.alloc(32, 1))],
    ['in another shape', `${SHAPE}0`, async () => (await plane.openKeys()).history],
  ])('are passed over when they were made %s', async (_how, shape, keys) => {
    const before = await past();
    await new PostgresEventStore(plane.pool, await keys()).transact(async (session) => {
      await session.loadStream(stream, 'none@1');
      const state = JSON.stringify({ status: 'absent' });
      for (const version of [100, 200]) await session.saveSnapshot(stream, shape, { version, state });
    });
    expect(await past()).toEqual(before);
    await plane.pool.query('delete from stream_snapshots');
  });

  it('are not kept by a change that is refused', async () => {
    expect((await plane.call('POST', `${X}/policies/issue/`, policyBody())).status).toBe(409);
    expect(await snapshots()).toEqual([]);
  });

  it('are kept once by changes that come at once, each deciding on what the other left', async () => {
    const other = await plane.process();
    const revision = await revisionNow();
    const answers = await Promise.all(
      [plane.app, other, plane.app, other, plane.app, other].map((app, index) =>
        app.inject({
          ...{ method: 'PUT', url: `/apiops${PROXIES}/url/` },
          headers: { authorization: `Bearer ${plane.adminToken}` },
          payload: proxyBody('orders', { apiProxyDescription: `at once ${index}` }),
        }),
      ),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(await revisionNow()).toBe(revision + 6);
    expect(await snapshots()).toEqual(KEPT);
  });

  it('are what is read: events far before a revision, and far before the newest, are not', async () => {
    const expected = await plane.done('GET', `${X}/revisions/210/`);
    await plane.pool.query('delete from events where stream_id = $1 and version <= 200', [stream]);
    expect(await plane.done('GET', `${X}/revisions/210/`)).toEqual(expected);
    await change('on what the snapshot says');
    expect(await proxyNow()).toMatchObject({ apiProxyDescription: 'on what the snapshot says' });
  });
});

it('a credential that was changed a hundred times has what it was given first, and what it was given last', async () => {
  const ADA = '/projects/shop/credentials/ada';
  await plane.done('POST', '/projects/shop/credentials/', credentialBody('ada', 'a password'));
  await plane.done('PUT', `${ADA}/access/`, { credentialAccessList: [{ name: 'orders', type: 'API_PROXY' }] });
  const ALGORITHMS = ['HS256', 'RS256', 'ES256'];
  for (let version = 3; version <= 101; version += 1) {
    await plane.done('PUT', `${ADA}/token/`, { jwtSignatureAlgorithm: ALGORITHMS[version % ALGORITHMS.length] });
  }
  expect(await snapshots(await streamOf('credential', 'ada', 'credential'))).toEqual(['credential@1 100']);
  expect((await plane.done('GET', `${ADA}/`)).resultList[0]).toMatchObject({
    ...{ username: 'ada', credentialAccessList: [{ name: 'orders' }] },
    tokenSettings: { jwtSignatureAlgorithm: ALGORITHMS[101 % ALGORITHMS.length] },
  });
});
