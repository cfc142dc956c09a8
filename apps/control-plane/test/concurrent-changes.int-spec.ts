import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer, type StoredEvent } from './testing/running-control-plane.ts';

const PROXIES = '/apiops/projects/shop/apiProxies';

let plane: RunningControlPlane;
let processes: readonly NestFastifyApplication[];
let proxies = 0;
let requests = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  processes = [plane.app, await plane.process()];
  await plane.done('POST', '/projects/', { name: 'shop' });
});
afterAll(() => plane.close());

interface Ask {
  readonly method: 'POST' | 'PUT' | 'DELETE' | 'GET';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}
interface Answered {
  readonly requestId: string;
  readonly status: number;
  readonly etag: unknown;
  readonly body: Answer['body'];
}

/** To one of the two processes in turn, under a request id of its own. */
async function send({ method, path, body, headers = {} }: Ask): Promise<Answered> {
  requests += 1;
  const requestId = `ask-${requests}`;
  const app = processes[requests % processes.length] ?? plane.app;
  const answer = await app.inject({
    ...{ method, url: `${PROXIES}${path}` },
    ...(body === undefined ? {} : { payload: body }),
    headers: { authorization: `Bearer ${plane.adminToken}`, 'x-request-id': requestId, ...headers },
  });
  return { requestId, status: answer.statusCode, etag: answer.headers['etag'], body: answer.json() };
}

async function newProxy(): Promise<string> {
  proxies += 1;
  const name = `proxy-${proxies}`;
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(name));
  return name;
}

/** What was recorded of a proxy, in order, without its creation. */
async function changesOf(name: string): Promise<StoredEvent[]> {
  const found = await plane.pool.query<{ entity_id: string }>(
    `select entity_id from names where kind = 'api-proxy' and name = $1`,
    [name],
  );
  const stream = `apiProxy-${found.rows[0]?.entity_id}`;
  const events = (await plane.events()).filter(({ stream_id: id }) => id === stream);
  expect(events.map(({ version }) => version)).toEqual(events.map((_event, index) => index + 1));
  expect(events[0]?.type).toBe('ProxyCreated');
  return events.slice(1);
}

const revisionOf = async (name: string): Promise<number> =>
  Number(/^"(\d+)"$/.exec(String((await send({ method: 'GET', path: `/${name}/` })).etag))?.[1]);

/** Policies of the request pipeline as events leave them, in order; each event was possible after the ones before it. */
function replayed(events: readonly StoredEvent[]): string[] {
  const names: string[] = [];
  for (const { type, data } of events) {
    const { name, order } = data as { name: string; order: number | null };
    const at = names.indexOf(name);
    expect({ type, name, isNew: at === -1 }).toEqual({ type, name, isNew: type === 'PolicyAdded' });
    if (at !== -1) names.splice(at, 1);
    if (type !== 'PolicyDeleted') names.splice((order ?? names.length + 1) - 1, 0, name);
  }
  return names;
}

async function servedPolicies(name: string): Promise<string[]> {
  const { body } = await send({ method: 'GET', path: `/${name}/policies/` });
  const { requestPolicyList } = body.resultList[0]?.['apiProxy'] as { requestPolicyList: { name: string }[] };
  return requestPolicyList.map((policy) => policy.name);
}

const TYPE_OF = { POST: 'PolicyAdded', PUT: 'PolicyUpdated', DELETE: 'PolicyDeleted' } as const;
type Change = { readonly method: keyof typeof TYPE_OF; readonly policy: string; readonly order: number | null };

const askFor = (proxy: string, { method, policy, order }: Change): Ask => ({
  method,
  path: `/${proxy}/policies/${policy}/`,
  body: method === 'DELETE' ? { operationMetadata: policyBody().operationMetadata } : policyBody({ order }),
});

const change: fc.Arbitrary<Change> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'PUT', 'DELETE'),
  policy: fc.constantFrom('a', 'b', 'c', 'd'),
  order: fc.constantFrom(null, 1, 2, 9),
});

describe('changes of one proxy at once, by two processes', () => {
  it('are in the log exactly once when they were answered 200, not at all otherwise, in an order that explains what is served', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 2, maxLength: 12 }), async (changes) => {
        const proxy = await newProxy();
        const answers = await Promise.all(changes.map((one) => send(askFor(proxy, one))));
        const events = await changesOf(proxy);
        const done = answers.filter(({ status }) => status === 200);
        expect(events.map(({ metadata }) => metadata['requestId']).sort()).toEqual(
          done.map(({ requestId }) => requestId).sort(),
        );
        for (const [index, { requestId, status }] of answers.entries()) {
          const recorded = events.find(({ metadata }) => metadata['requestId'] === requestId);
          if (status === 200) expect(recorded?.type).toBe(TYPE_OF[changes[index]?.method ?? 'POST']);
          else expect([404, 409]).toContain(status);
        }
        expect(await servedPolicies(proxy)).toEqual(replayed(events));
        expect(await revisionOf(proxy)).toBe(1 + done.length);
      }),
      { numRuns: 15 },
    );
  });

  it('have revisions 1 to n without a gap, each of them read by somebody who then changed it', async () => {
    const proxy = await newProxy();
    const names = Array.from({ length: 16 }, (_, index) => `p${index}`);
    const answers = await Promise.all(
      names.map((policy) => send(askFor(proxy, { method: 'POST', policy, order: null }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    expect(await changesOf(proxy)).toHaveLength(names.length);
    expect(await revisionOf(proxy)).toBe(1 + names.length);
  });

  it('with one If-Match have one winner, the others a 409 that names the revision', async () => {
    const proxy = await newProxy();
    for (let revision = 1; revision <= 5; revision += 1) {
      const answers = await Promise.all(
        ['left', 'right'].map((side) =>
          send({
            ...askFor(proxy, { method: 'POST', policy: `${side}-${revision}`, order: null }),
            headers: { 'if-match': `"${revision}"` },
          }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const loser = answers.find(({ status }) => status === 409);
      expect(loser?.body.error).toBe('conflict');
      expect(loser?.body.error_description).toContain(`revision ${revision + 1}`);
      expect(await revisionOf(proxy)).toBe(revision + 1);
    }
    expect(await changesOf(proxy)).toHaveLength(5);
  });

  it('by clients who read, change and try again on a 409 all land, without one undoing another', async () => {
    const proxy = await newProxy();
    const insist = async (policy: string): Promise<number> => {
      for (let attempt = 1; ; attempt += 1) {
        const headers = { 'if-match': `"${await revisionOf(proxy)}"` };
        const { status } = await send({ ...askFor(proxy, { method: 'POST', policy, order: 1 }), headers });
        if (status === 200 || attempt === 50) return status;
      }
    };
    const names = ['a', 'b', 'c', 'd', 'e'];
    expect(await Promise.all(names.map(insist))).toEqual(names.map(() => 200));
    const events = await changesOf(proxy);
    expect(events).toHaveLength(names.length);
    expect(await servedPolicies(proxy)).toEqual(replayed(events));
  });

  it('of which some have no If-Match never win against a revision that was not read', async () => {
    const proxy = await newProxy();
    const careful = Array.from({ length: 4 }, (_, index) => `careful-${index}`);
    const careless = Array.from({ length: 4 }, (_, index) => `careless-${index}`);
    const answers = await Promise.all([
      ...careful.map((policy) =>
        send({ ...askFor(proxy, { method: 'POST', policy, order: null }), headers: { 'if-match': '"1"' } }),
      ),
      ...careless.map((policy) => send(askFor(proxy, { method: 'POST', policy, order: null }))),
    ]);
    const won = answers.slice(0, careful.length).filter(({ status }) => status === 200);
    expect(won.length).toBeLessThanOrEqual(1);
    expect(answers.slice(careful.length).map(({ status }) => status)).toEqual(careless.map(() => 200));
    const events = await changesOf(proxy);
    expect(events).toHaveLength(won.length + careless.length);
    // Who named revision 1 and won changed revision 1: nobody was before.
    if (won[0] !== undefined) expect(events[0]?.metadata['requestId']).toBe(won[0].requestId);
  });
});
