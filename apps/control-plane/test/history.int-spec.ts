import { policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

let plane: RunningControlPlane;

const PROXIES = '/projects/shop/apiProxies';
const X = `${PROXIES}/orders`;
const SECRET = 'a-secret-that-nobody-may-read-again';
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const addEndpoint = (name: string) => plane.done('POST', `${X}/endpoints/`, { name, httpMethod: 'GET' });
const audience = (list: string, order?: number) => {
  const { operationMetadata, policy } = verificationBody({}, 'private.secret');
  return { operationMetadata: { ...operationMetadata, order }, policy: { ...policy, audience: list } };
};

interface EventItem {
  readonly sequence: number;
  readonly type: string;
  readonly revision: number;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>> & { changes: { path: string; from: unknown; to: unknown }[] };
}
const eventsOf = async (query = ''): Promise<EventItem[]> =>
  (await plane.done('GET', `${X}/events/${query}`)).resultList as unknown as EventItem[];

/** What `GET X/` and `GET X/policies/` said after each change, by revision. */
const seen = new Map<number, { proxy: Record<string, unknown>; policies: unknown }>();
async function look(): Promise<void> {
  const { deploymentList: _now, ...proxy } = (await plane.done('GET', `${X}/`)).resultList[0] ?? {};
  seen.set(Number(proxy['revision']), { proxy, policies: (await plane.done('GET', `${X}/policies/`)).resultList });
}

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  const headers = { 'x-change-reason': 'ticket 7', 'x-request-id': 'r-create' };
  await plane.done('POST', `${PROXIES}/url/`, proxyBody('orders'), headers);
  await look();
  for (const change of [
    () => plane.done('POST', `${X}/policies/issue/`, policyBody()),
    () => plane.done('POST', `${X}/policies/check/`, audience('a, b', 1)),
    () => plane.done('PATCH', `${X}/settings/keys/`, { secretKey: SECRET }),
    () => plane.done('PUT', `${X}/policies/check/`, audience('a', 2)),
    () => addEndpoint('/users'),
    () => plane.done('PUT', `${PROXIES}/url/`, proxyBody('orders', { apiProxyDescription: 'changed' })),
    () =>
      plane.done('DELETE', `${X}/policies/issue/`, {
        operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST' },
      }),
  ]) {
    await change();
    await look();
  }
});
afterAll(() => plane.close());

describe('GET X/events/', () => {
  it('tells everything in order, with who, when, why and at which revision', async () => {
    const events = await eventsOf();
    expect(events.map(({ sequence, type, revision }) => `${sequence} ${type} ${revision}`)).toEqual([
      ...['1 ProxyCreated 1', '2 PolicyAdded 2', '3 PolicyAdded 3', '4 KeysChanged 3', '5 PolicyUpdated 4'],
      ...['6 EndpointAdded 5', '7 ProxyUpdated 6', '8 PolicyDeleted 7'],
    ]);
    expect(events[0]).toMatchObject({ actor: 'admin', reason: 'ticket 7', requestId: 'r-create' });
    expect(events[1]).toMatchObject({ actor: 'admin', reason: null });
    expect(new Date(events[0]?.at ?? '').toISOString()).toBe(events[0]?.at);
  });

  it('has in data what the event concerns as it is after it', async () => {
    const [created, issued, , keys, moved, endpoint, updated, deleted] = await eventsOf();
    expect(created?.data).toMatchObject({ apiProxyName: 'orders', clientRoute: { relativePathList: ['/orders'] } });
    expect(issued?.data).toMatchObject({
      policy: { name: 'issue', type: 'policy-auth-jwt', grantType: 'PASSWORD' },
      operationMetadata: { targetPipeline: 'REQUEST', order: 1 },
    });
    expect(keys?.data).toMatchObject({ keys: { secretKey: { fingerprint: expect.any(String) as string } } });
    expect(moved?.data).toMatchObject({ policy: { audience: { value: 'a' } }, operationMetadata: { order: 2 } });
    expect(endpoint?.data).toMatchObject({ endpoint: { name: '/users', httpMethod: 'GET' } });
    expect(updated?.data).toMatchObject({ apiProxyDescription: 'changed' });
    expect(updated?.data).not.toHaveProperty('policyList');
    expect(deleted?.data).toMatchObject({
      policyName: 'issue',
      operationMetadata: { targetPipeline: 'REQUEST', order: 1 },
    });
  });

  it('has in changes each field that differs from before', async () => {
    const [, , , keys, moved, , updated] = await eventsOf();
    expect(moved?.data.changes).toEqual([
      expect.objectContaining({ path: 'policyList[issue].operationMetadata.order', from: 2, to: 1 }),
      expect.objectContaining({ path: 'policyList[check].policy.audience.value', from: 'a, b', to: 'a' }),
      expect.objectContaining({ path: 'policyList[check].operationMetadata.order', from: 1, to: 2 }),
    ]);
    expect(updated?.data.changes).toEqual([
      expect.objectContaining({ path: 'apiProxyDescription', from: '', to: 'changed' }),
    ]);
    expect(keys?.data.changes.map(({ path }) => path)).toEqual([
      'keys.secretKey.secretId',
      'keys.secretKey.fingerprint',
    ]);
  });

  it('shows no secret', async () => {
    expect((await plane.call('GET', `${X}/events/`)).text).not.toContain(SECRET);
  });

  it('goes on after a sequence number, so many at a time', async () => {
    expect((await eventsOf('?after=3&limit=2')).map(({ sequence }) => sequence)).toEqual([4, 5]);
    expect((await eventsOf('?after=7')).map(({ sequence }) => sequence)).toEqual([8]);
    expect(await eventsOf('?after=8')).toEqual([]);
  });

  it.each([
    ['?limit=0', 'limit out_of_range'],
    ['?limit=1001', 'limit out_of_range'],
    ['?limit=ten', 'limit invalid'],
    ['?after=-1', 'after invalid'],
    ['?after=1&after=2', 'after wrong_type'],
    ['?before=3', 'before unknown_field'],
  ])('with %s is a 400', async (query, fault) => {
    const refused = await plane.call('GET', `${X}/events/${query}`);
    expect(refused.status).toBe(400);
    expect(faultsOf(refused)).toEqual([fault]);
  });

  it('of a proxy that was deleted is a 404, and a new one of its name begins at 1', async () => {
    const gone = `${PROXIES}/gone`;
    await plane.done('POST', `${PROXIES}/url/`, proxyBody('gone'));
    await plane.done('POST', `${gone}/policies/a/`, policyBody());
    await plane.done('DELETE', `${gone}/`);
    for (const path of ['/events/', '/revisions/', '/revisions/1/', '/diff/', '/deploy-histories/']) {
      expect((await plane.call('GET', `${gone}${path}`)).status).toBe(404);
    }
    await plane.done('POST', `${PROXIES}/url/`, proxyBody('gone'));
    expect((await plane.done('GET', `${gone}/events/`)).resultList).toMatchObject([{ sequence: 1, revision: 1 }]);
  });
});

describe('GET X/revisions/', () => {
  it('lists them, and other keys are no revision', async () => {
    const { resultList } = await plane.done('GET', `${X}/revisions/`);
    expect(resultList.map(({ revision, type }) => `${String(revision)} ${String(type)}`)).toEqual([
      ...['1 ProxyCreated', '2 PolicyAdded', '3 PolicyAdded', '4 PolicyUpdated', '5 EndpointAdded'],
      ...['6 ProxyUpdated', '7 PolicyDeleted'],
    ]);
    expect(resultList[0]).toMatchObject({ actor: 'admin', reason: 'ticket 7', at: expect.any(String) as string });
    expect((await plane.done('GET', `${X}/revisions/?after=2&limit=1`)).resultList).toMatchObject([{ revision: 3 }]);
  });

  it('GET X/revisions/{n}/ is what GET X/ was when it was the newest, whatever came later (promise 3)', async () => {
    expect([...seen.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const [revision, { proxy, policies }] of seen) {
      const answer = await plane.call('GET', `${X}/revisions/${revision}/`);
      expect(answer.headers['etag']).toBe(`"${revision}"`);
      const { policyList, ...view } = answer.body.resultList[0] ?? {};
      expect(view).toEqual(proxy);
      const names = (policyList as { policy: { name: string } }[]).map(({ policy }) => policy.name);
      const [{ apiProxy }] = policies as [{ apiProxy: { requestPolicyList: { name: string }[] } }];
      expect(names).toEqual(apiProxy.requestPolicyList.map(({ name }) => name));
    }
  });

  it.each([
    ['0', 404],
    ['8', 404],
    ['-1', 400],
    ['1.5', 400],
    ['x', 400],
  ])('GET X/revisions/%s/ is a %d', async (revision, status) => {
    expect((await plane.call('GET', `${X}/revisions/${revision}/`)).status).toBe(status);
  });
});

describe('GET X/?at=', () => {
  const at = (time: string) => plane.call('GET', `${X}/?at=${encodeURIComponent(time)}`);

  it('is the proxy as the last event by then left it, with its policies', async () => {
    const events = await eventsOf();
    for (const { at: time } of events) {
      const newest = events.findLast((event) => event.at <= time);
      const answer = await at(time);
      expect(answer.headers['etag']).toBe(`"${newest?.revision}"`);
      const { resultList } = await plane.done('GET', `${X}/revisions/${newest?.revision}/`);
      const { publicKey: _publicKey, ...shown } = resultList[0] ?? {};
      expect(answer.body.resultList[0]).toMatchObject(shown);
    }
    expect((await at('2999-01-01T00:00:00Z')).body.resultList[0]).toMatchObject({ revision: 7 });
  });

  it('takes an offset, escaped or not', async () => {
    const [created] = await eventsOf();
    const local = new Date(Date.parse(created?.at ?? '') + 2 * 3_600_000).toISOString().replace('Z', '+02:00');
    const other = (await at(local)).body.resultList[0];
    expect(other).toEqual((await at(created?.at ?? '')).body.resultList[0]);
    expect((await plane.done('GET', `${X}/?at=${local}`)).resultList[0]).toEqual(other);
  });

  it('before the creation is a 404', async () => {
    expect((await at('2001-01-01T00:00:00Z')).status).toBe(404);
  });

  it.each(['yesterday', '2026-01-01', '2026-13-01T00:00:00Z', ''])('%j is a 400', async (time) => {
    const refused = await at(time);
    expect(refused.status).toBe(400);
    expect(faultsOf(refused)).toEqual(['at invalid']);
  });
});

describe('GET X/diff/', () => {
  it('is what the newest revision changed, unless it is asked for others', async () => {
    const newest = await plane.done('GET', `${X}/diff/`);
    expect(newest.resultList).toMatchObject([
      { path: 'policyList[check].operationMetadata.order', from: 2, to: 1 },
      { path: 'policyList[issue]', to: null, meaning: 'policy issue removed, was at REQUEST, order 1' },
    ]);
    expect((await plane.done('GET', `${X}/diff/?to=6`)).resultList).toEqual([
      {
        ...{ path: 'apiProxyDescription', from: '', to: 'changed' },
        meaning: expect.stringContaining('changed') as string,
      },
    ]);
  });

  it('says field by field what lies between two revisions, and in words where it can', async () => {
    const { resultList } = await plane.done('GET', `${X}/diff/?from=3&to=5`);
    expect(resultList).toEqual([
      expect.objectContaining({ path: 'endpointList[GET /users]', from: null, meaning: 'endpoint GET /users added' }),
      expect.objectContaining({ meaning: 'policy issue moved from order 2 to 1' }),
      expect.objectContaining({ meaning: 'policy check: audience `b` removed' }),
      expect.objectContaining({ meaning: 'policy check moved from order 1 to 2' }),
    ]);
  });

  it('from 0 is all that there was to begin with', async () => {
    const { resultList } = await plane.done('GET', `${X}/diff/?to=1`);
    expect(resultList.map(({ path, from }) => `${String(path)} ${String(from)}`)).toEqual(
      expect.arrayContaining(['clientRoute null', 'routingInfo null']) as unknown,
    );
    const all = await plane.done('GET', `${X}/diff/?from=0`);
    expect(all.resultList).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ path: 'policyList[check]', meaning: 'policy check added at REQUEST, order 1' }),
      ]) as object,
    );
  });

  it('is empty for a revision and itself, and leaves out the keys', async () => {
    expect((await plane.done('GET', `${X}/diff/?from=3&to=3`)).resultList).toEqual([]);
    expect((await plane.call('GET', `${X}/diff/?from=3&to=4`)).text).not.toMatch(/fingerprint|publicKey/);
  });

  it('refused names the revision that was asked for', async () => {
    const { body } = await plane.call('GET', `${X}/diff/?to=99`);
    expect(body.error_description).toBe('Revision 99 of the ApiProxy does not exist');
  });

  it.each([
    ['?from=1&to=99', 404],
    ['?from=99', 404],
    ['?to=0', 400],
    ['?from=a', 400],
  ])('with %s is a %d', async (query, status) => {
    expect((await plane.call('GET', `${X}/diff/${query}`)).status).toBe(status);
  });
});
