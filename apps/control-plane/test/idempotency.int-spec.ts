import { RequestMethod, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { API_CALL, type ApiCallFacts } from '../src/http/api-call.ts';
import { SECRET_MEMBERS } from '../src/http/idempotency/secret-members.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { METADATA, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const DEPLOY_TIMEOUT_MS = 15_000;
const PROXIES = '/projects/shop/apiProxies';

let plane: RunningControlPlane;
let keys = 0;
const newKey = (): string => `key-${(keys += 1)}`;
const keyed = (key: string, headers: object = {}) => ({ 'idempotency-key': key, ...headers });
const eventCount = async (): Promise<number> => (await plane.events()).length;
const isReplay = ({ headers }: Answer): boolean => headers['idempotency-replayed'] === 'true';

interface ClaimRow {
  readonly answer: unknown;
}
const claimsOf = async (key: string): Promise<ClaimRow[]> =>
  (await plane.pool.query<ClaimRow>('select answer from idempotency_claims where key = $1', [key])).rows;
/** As if the process had died between recording the change and answering, a minute ago. */
const loseAnswer = (key: string) =>
  plane.pool.query(
    `update idempotency_claims set answer = null, claimed_at = claimed_at - interval '1 minute' where key = $1`,
    [key],
  );
const age = (key: string, interval: string) =>
  plane.pool.query(`update idempotency_claims set claimed_at = claimed_at - $2::interval where key = $1`, [
    key,
    interval,
  ]);

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: DEPLOY_TIMEOUT_MS });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${PROXIES}/url/`, proxyBody('orders'));
});
afterAll(() => plane.close());

describe('a write with an Idempotency-Key', () => {
  it('is done once, and answered again as it was the first time', async () => {
    const key = newKey();
    const ask = (requestId: string) =>
      plane.call('POST', '/projects/', { name: 'once', description: 'd' }, keyed(key, { 'x-request-id': requestId }));
    const first = await ask('first');
    expect([first.status, isReplay(first)]).toEqual([200, false]);
    const before = await eventCount();
    const again = await ask('second');
    expect(again.status).toBe(200);
    expect(again.text).toBe(first.text);
    expect(isReplay(again)).toBe(true);
    expect(again.headers['x-request-id']).toBe('second');
    expect(await eventCount()).toBe(before);
  });

  it('is the same whatever the order of its members and the slash at the end', async () => {
    const key = newKey();
    await plane.done('POST', '/projects/', { name: 'spelled', description: 'd' }, keyed(key));
    const again = await plane.call('POST', '/projects', { description: 'd', name: 'spelled' }, keyed(key));
    expect([again.status, isReplay(again)]).toEqual([200, true]);
  });

  it('is refused with another body, whether the first was answered or not', async () => {
    const key = newKey();
    await plane.done('POST', '/projects/', { name: 'one-body' }, keyed(key));
    const before = await eventCount();
    const other = () => plane.call('POST', '/projects/', { name: 'other-body' }, keyed(key));
    expect(await other()).toMatchObject({ status: 409, body: { error: 'conflict' } });
    await loseAnswer(key);
    expect(await other()).toMatchObject({ status: 409, body: { error: 'conflict' } });
    expect(await eventCount()).toBe(before);
  });

  it('is another write under another path, query or method', async () => {
    const key = newKey();
    const at = `${PROXIES}/orders/policies`;
    for (const name of ['left', 'right']) await plane.done('POST', `${at}/${name}/`, policyBody(), keyed(key));
    await plane.done('PUT', `${at}/left/`, policyBody(), keyed(key));
    const query = 'targetScope=ALL&targetPipeline=REQUEST';
    await plane.done('DELETE', `${at}/left/?${query}`, undefined, keyed(key));
    const other = await plane.call('DELETE', `${at}/left/?${query}&deploy=false`, undefined, keyed(key));
    expect([other.status, isReplay(other)]).toEqual([404, false]);
    expect(await claimsOf(key)).toHaveLength(4);
  });

  it('is another write for another actor', async () => {
    const { resultList } = await plane.done('POST', '/tokens/', {
      ...{ name: 'pipeline', permissions: ['ADMIN'], projects: ['*'], expiresAt: null },
    });
    const key = newKey();
    const body = { name: 'whose' };
    await plane.done('POST', '/projects/', body, keyed(key));
    const token = { authorization: `Bearer ${String(resultList[0]?.['token'])}` };
    const other = await plane.call('POST', '/projects/', body, keyed(key, token));
    expect([other.status, isReplay(other)]).toEqual([409, false]);
  });

  it('is not told apart by its request id, which clients may use again', async () => {
    const key = newKey();
    const ask = () =>
      plane.call('POST', '/projects/', { name: 'same-id' }, keyed(key, { 'x-request-id': 'pipeline-7' }));
    const answers = await Promise.all([ask(), ask()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.filter(isReplay)).toHaveLength(1);
  });

  it('may be tried again after a failure: nothing was recorded', async () => {
    const key = newKey();
    const ask = () => plane.call('POST', '/projects/early/apiProxies/url/', proxyBody('p'), keyed(key));
    expect((await ask()).status).toBe(404);
    expect(await claimsOf(key)).toEqual([]);
    await plane.done('POST', '/projects/', { name: 'early' });
    const later = await ask();
    expect([later.status, isReplay(later)]).toEqual([200, false]);
  });

  it('is remembered by every process, also one that starts later', async () => {
    const key = newKey();
    const first = await plane.call('POST', '/projects/', { name: 'survivor' }, keyed(key));
    const later = await plane.process();
    const again = await later.inject({
      ...{ method: 'POST', url: '/apiops/projects/', payload: { name: 'survivor' } },
      headers: { authorization: `Bearer ${plane.adminToken}`, ...keyed(key) },
    });
    expect(again.statusCode).toBe(200);
    expect(again.json()).toEqual(first.body);
  });

  it('gives the entity tag again that it gave the first time', async () => {
    const key = newKey();
    const ask = () => plane.call('POST', `${PROXIES}/url/`, proxyBody('tagged'), keyed(key));
    expect((await ask()).headers['etag']).toBe((await ask()).headers['etag']);
  });

  it.each([
    ['empty', ''],
    ['with a blank', 'a b'],
    ['too long', 'k'.repeat(256)],
    ['not ASCII', 'schl\u00fcssel'],
  ])('is refused when the key is %s', async (_what, key) => {
    const before = await eventCount();
    const refused = await plane.call('POST', '/projects/', { name: 'bad-key' }, { 'idempotency-key': key });
    expect(refused).toMatchObject({
      status: 400,
      body: { error: 'validation_failed', validation_errors: [{ field: 'Idempotency-Key', code: 'invalid' }] },
    });
    expect(await eventCount()).toBe(before);
  });

  it.each(['k'.repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"', '!~'])('takes the key %s', async (key) => {
    const name = `named-${key.length}`;
    await plane.done('POST', '/projects/', { name }, keyed(key));
    expect(isReplay(await plane.call('POST', '/projects/', { name }, keyed(key)))).toBe(true);
  });

  it('may be XML: the same text is the same write, another is refused', async () => {
    const key = newKey();
    const ask = (algorithm: string) =>
      plane.app.inject({
        ...{ method: 'POST', url: `/apiops${PROXIES}/orders/policies/xml/?targetScope=ALL&targetPipeline=REQUEST` },
        payload: `<VerifyJWT name="xml"><Algorithm>${algorithm}</Algorithm><SecretKey><Value ref="private.key"/></SecretKey></VerifyJWT>`,
        headers: { authorization: `Bearer ${plane.adminToken}`, 'content-type': 'application/xml', ...keyed(key) },
      });
    const [first, again, other] = [await ask('HS256'), await ask('HS256'), await ask('HS512')];
    expect([first.statusCode, again.statusCode, other.statusCode]).toEqual([200, 200, 409]);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toBe(first.body);
  });

  it('is one only for what writes', async () => {
    const key = newKey();
    for (let round = 0; round < 2; round += 1) {
      expect(isReplay(await plane.call('GET', '/projects/', undefined, keyed(key)))).toBe(false);
    }
    expect(await claimsOf(key)).toEqual([]);
  });
});

describe('a sign-in', () => {
  it('takes no notice of an Idempotency-Key: its token is for him who asked', async () => {
    const key = newKey();
    const ask = () =>
      plane.app.inject({
        ...{ method: 'POST', url: '/apiops/auth/token' },
        payload: `grant_type=client_credentials&client_id=admin&client_secret=${plane.adminToken}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...keyed(key) },
      });
    const tokens = [await ask(), await ask()].map((answer) => answer.json<{ access_token: string }>().access_token);
    expect(new Set(tokens).size).toBe(2);
    expect(await claimsOf(key)).toEqual([]);
  });
});

describe('two writes with one Idempotency-Key at once', () => {
  const ask = (app: NestFastifyApplication, key: string, url: string, payload: object) =>
    app.inject({
      ...{ method: 'POST', url: `/apiops${url}`, payload },
      headers: { authorization: `Bearer ${plane.adminToken}`, ...keyed(key) },
    });

  it('are carried out once, whichever processes they come to, and answered alike', async () => {
    const other = await plane.process();
    for (let round = 0; round < 5; round += 1) {
      const [key, name] = [newKey(), `twins-${round}`];
      const before = await eventCount();
      const answers = await Promise.all(
        [plane.app, other, plane.app, other].map((app) => ask(app, key, '/projects/', { name })),
      );
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
      expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
      expect(await eventCount()).toBe(before + 1);
    }
  });

  it('do not both do what may be done twice', async () => {
    const environment = await plane.environment();
    const key = newKey();
    const url = `/environments/${environment.name}/keys/`;
    const answers = await Promise.all([1, 2, 3].map(() => ask(plane.app, key, url, {})));
    const shown = answers.map((answer) => answer.json<Answer['body']>().resultList[0] ?? {});
    expect(shown.filter((result) => 'gatewayKey' in result)).toHaveLength(1);
    expect(new Set(shown.map(({ keyId }) => keyId)).size).toBe(1);
    expect((await plane.done('GET', url)).resultList).toHaveLength(2);
  });

  it('wait for the one that deploys, and have the same result of deployment', async () => {
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    await gateway.appliesEverything();
    const key = newKey();
    const body = proxyBody('together', { deploy: true, deployTargetEnvironmentNameList: [environment.name] });
    const answers = await Promise.all([1, 2].map(() => ask(plane.app, key, `${PROXIES}/url/`, body)));
    await gateway.ends();
    const results = answers.map((answer) => answer.json<Answer['body']>().deploymentResult);
    expect(results[0]).toMatchObject({ success: true, deploymentResults: [{ environmentName: environment.name }] });
    expect(results[1]).toEqual(results[0]);
  });
});

describe('an answer that was lost with its process', () => {
  it('is made again from the deployments of the change, which is not done again', async () => {
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    await gateway.appliesEverything();
    const key = newKey();
    const metadata = { ...METADATA, deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    const ask = () =>
      plane.call('POST', `${PROXIES}/orders/policies/lost/`, policyBody(metadata), {
        ...keyed(key, { 'x-request-id': 'an-id-that-is-used-again' }),
      });
    const first = await ask();
    // Another change under the same request id: not this one's deployment.
    await plane.done('POST', `${PROXIES}/orders/policies/found/`, policyBody(metadata), {
      'x-request-id': 'an-id-that-is-used-again',
    });
    await loseAnswer(key);
    const before = await eventCount();
    const again = await ask();
    await gateway.ends();
    expect([again.status, isReplay(again)]).toEqual([200, true]);
    expect(again.body).toMatchObject({ success: true, status: 'SUCCESS', warnings: [{ field: 'Idempotency-Key' }] });
    expect(again.body.deploymentResult).toEqual(first.body.deploymentResult);
    expect(again.body.deploymentResult.deploymentResults).toHaveLength(1);
    const asked = await plane.pool.query<{ request_id: string }>('select distinct request_id from deployments');
    expect(asked.rows.map((row) => row.request_id)).toContain('an-id-that-is-used-again');
    expect(await eventCount()).toBe(before);
  });

  it('is success without deployments where nothing was to be deployed', async () => {
    const key = newKey();
    const ask = () => plane.call('POST', '/projects/', { name: 'lost' }, keyed(key));
    await ask();
    await loseAnswer(key);
    const again = await ask();
    expect(again.status).toBe(200);
    expect(again.body.deploymentResult).toEqual({ success: true, deploymentResults: [] });
  });
});

describe('a claim', () => {
  it('ends after 24 hours, not before', async () => {
    const key = newKey();
    const ask = () => plane.call('POST', '/projects/', { name: 'aged' }, keyed(key));
    await ask();
    await age(key, '23 hours 59 minutes');
    expect(isReplay(await ask())).toBe(true);
    await age(key, '2 minutes');
    expect((await ask()).status).toBe(409);
    await plane.done('DELETE', '/projects/aged/');
    const anew = await ask();
    expect([anew.status, isReplay(anew)]).toEqual([200, false]);
    expect(isReplay(await ask())).toBe(true);
  });

  it('is deleted after that, when another one comes', async () => {
    const key = newKey();
    await plane.done('POST', '/projects/', { name: 'swept' }, keyed(key));
    await age(key, '25 hours');
    await plane.done('POST', '/projects/', { name: 'sweeper' }, keyed(newKey()));
    expect(await claimsOf(key)).toEqual([]);
  });
});

/** Every text in a value. */
const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

describe('a secret that is shown once', () => {
  const SHOWN: readonly (readonly [string, string, object, string])[] = [
    ['an environment', '/environments/', { name: 'once-env' }, 'gatewayKey'],
    ['a gateway key', '/environments/once-env/keys/', {}, 'gatewayKey'],
    ['a proxy', `${PROXIES}/url/`, proxyBody('once-keys'), 'secretKey'],
    ['a token', '/tokens/', { name: 'once', permissions: ['VIEW'], projects: ['*'], expiresAt: null }, 'token'],
  ];

  it.each(SHOWN)('with %s is not repeated, and not kept: POST %s', async (_what, path, body, member) => {
    const key = newKey();
    const first = await plane.call('POST', path, body, keyed(key));
    expect(first.status).toBe(200);
    const { [member]: secret, ...rest } = first.body.resultList[0] ?? {};
    expect(textsIn(secret).join().length).toBeGreaterThan(40);
    expect(first.body.resultList[0]).not.toHaveProperty('secretAlreadyShown');
    const again = await plane.call('POST', path, body, keyed(key));
    expect(again.body.resultList).toEqual([{ ...rest, secretAlreadyShown: true }]);
    expect(JSON.stringify(await claimsOf(key))).not.toContain(String(secret));
    await loseAnswer(key);
    expect((await plane.call('POST', path, body, keyed(key))).text).not.toContain(String(secret));
  });

  /** Members that sound like secrets and are none. */
  const PUBLIC = /^(publicKey|keyId|keyStoreName|tokenIssuer|publicJwk|allowCredentials)$/;
  const SOUNDS_SECRET = /token|secret|key|password|passphrase|private|credential|jwk/i;

  /** Names of texts and keys, the forms that a secret has. */
  const namesIn = (value: unknown): string[] => {
    if (typeof value !== 'object' || value === null) return [];
    const names = Array.isArray(value)
      ? []
      : Object.entries(value).flatMap(([name, member]) =>
          typeof member === 'string' || (typeof member === 'object' && member !== null && 'kty' in member)
            ? [name]
            : [],
        );
    return [...names, ...Object.values(value).flatMap(namesIn)];
  };

  /** What the writes of a controller answer with, by their examples. */
  const writesOf = (controller: Type): ApiCallFacts[] =>
    Object.getOwnPropertyNames(controller.prototype as object).flatMap((name) => {
      const handler = (controller.prototype as Record<string, unknown>)[name];
      if (typeof handler !== 'function' || Reflect.getMetadata('method', handler) === RequestMethod.GET) return [];
      const facts = Reflect.getMetadata(API_CALL, handler) as ApiCallFacts | undefined;
      return facts === undefined ? [] : [facts];
    });

  it('has a name that is known to be one: no call answers with a secret that a replay would repeat', () => {
    const controllers = [...plane.app.get(ModulesContainer).values()]
      .flatMap((module) => [...module.controllers.values()])
      .flatMap(({ metatype }) => (typeof metatype === 'function' ? [metatype as Type] : []));
    const writes = controllers.flatMap(writesOf);
    const names = new Set(writes.flatMap(({ result }) => namesIn(result)));
    expect([...names]).toEqual(expect.arrayContaining(SHOWN.map(([, , , member]) => member)));
    const suspicious = [...names].filter((name) => SOUNDS_SECRET.test(name) && !PUBLIC.test(name));
    expect(suspicious.filter((name) => !SECRET_MEMBERS.has(name))).toEqual([]);
  });
});
