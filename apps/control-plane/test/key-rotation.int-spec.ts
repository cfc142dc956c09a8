import { jest } from '@jest/globals';
import { ProgressStreams } from '../src/http/progress-streams.ts';
import { RotationRunner } from '../src/key-stores/rotation-runner.ts';
import { itIsLaterBy, RotatingKeys, type Environment, type Rotation } from './testing/rotating-keys.ts';
import { credentialBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

let plane: RunningControlPlane;
/** Waits for whatever comes at all: for what is to be a success, however slow the machine. */
let patient: RunningControlPlane['app'];
let keys: RotatingKeys;
let east: Environment;
let west: Environment;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_000 });
  patient = await plane.process({ deployTimeoutMs: 60_000, roles: new Set(['api'] as const) });
  await plane.done('POST', '/projects/', { name: 'shop' });
  keys = new RotatingKeys(plane);
});
beforeEach(async () => {
  [east, west] = [await plane.environment(), await plane.environment()];
});
afterEach(async () => {
  jest.useRealTimers();
  await keys.ends();
});
afterAll(() => plane.close());

const secretsOfKeys = async () =>
  Number((await plane.pool.query(`select 1 from secrets where purpose = 'key-store'`)).rowCount);
const stepsOf = async (name: string) => (await keys.rotation(name)).stepList.map(({ step }) => step);
const newestDeployment = async (proxy: string, { id }: Environment) => {
  const found = await plane.pool.query<{ deployment: string }>(
    'select max(deployment) as deployment from deployments where environment_id = $1 and proxy_id = $2',
    [id, await plane.proxyId(proxy)],
  );
  return Number(found.rows[0]?.deployment);
};
const force = (name: string) => plane.done('POST', keys.at(name, 'rotate/force/'));
/** What a rotation waits for, once its proxy is published and only the gateway has not answered. */
const namesItsGateway = (name: string) =>
  until('the gateway is waited for', async () => {
    const { waitsFor } = await keys.rotation(name);
    return waitsFor.includes('gateway-1') && waitsFor;
  });
/** Whatever is due by now is done. */
const look = () => plane.app.get(RotationRunner).look();
const HOUR_SECONDS = 3_600;

describe('a rotation', () => {
  it('publishes, waits, signs, and removes the old key when its last token has expired', async () => {
    const gateway = await keys.gateway(east);
    await gateway.appliesEverything();
    const before = await secretsOfKeys();
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east]);
    const begun = await plane.askedAt(patient, () => keys.rotate(name));
    expect(begun.resultList[0]).toMatchObject({
      keyList: [{ kid: 'first', nextKeyList: [{ kid: 'second' }], previousKeyList: [] }],
      rotation: { stage: 'publishing', paused: false },
    });
    expect(begun.deploymentResult).toMatchObject({
      success: true,
      deploymentResults: [{ environmentName: east.name }],
    });

    const waiting = await keys.reaches(name, 'waiting');
    expect(await keys.published(proxy, gateway)).toBe('first (second)');
    expect(Date.parse(String(waiting['signsAt'])) - Date.parse(String(waiting['since']))).toBe(300_000);
    expect(waiting.waitsFor).toContain(String(waiting['signsAt']));

    itIsLaterBy(299);
    await look();
    expect((await keys.rotation(name)).stage).toBe('waiting');
    itIsLaterBy(2);
    await keys.reaches(name, 'retiring');
    const retiring = await until('the switch is acknowledged', async () => {
      const seen = await keys.rotation(name);
      return seen['acknowledgedAt'] !== null && seen;
    });
    expect(await keys.published(proxy, gateway)).toBe('second (first)');
    expect(retiring['longestTokenLifeSeconds']).toBe(HOUR_SECONDS);
    const retiresAtMs = Date.parse(String(retiring['retiresAt']));
    expect(retiresAtMs - Date.parse(String(retiring['acknowledgedAt']))).toBe((HOUR_SECONDS + 60) * 1_000);
    expect((await plane.done('GET', keys.at(name))).resultList[0]).toMatchObject({
      keyList: [
        { kid: 'second', nextKeyList: [], previousKeyList: [{ kid: 'first', retiresAt: retiring['retiresAt'] }] },
      ],
    });

    itIsLaterBy(HOUR_SECONDS + 61);
    await keys.reaches(name, 'finished');
    await until('the old key is gone', async () => (await keys.published(proxy, gateway)) === 'second ()');
    expect(await secretsOfKeys()).toBe(before + 1);
    expect(await stepsOf(name)).toEqual(['started', 'published', 'switched', 'acknowledged', 'finished']);
  });

  it('GET P/jwks/{name}/rotate/: tells who took each step and why', async () => {
    const name = await keys.key();
    const headers = { 'x-change-reason': 'yearly' };
    await plane.done('POST', keys.at(name, 'rotate/'), {}, headers);
    const { stepList } = await keys.reaches(name, 'waiting');
    expect(stepList).toMatchObject([
      { step: 'started', actor: 'admin', reason: 'yearly' },
      { step: 'published', actor: 'deployer', reason: null },
    ]);
  });

  it('is held by one silent gateway of any environment, and says which', async () => {
    const [quick, slow, silent] = [
      await keys.gateway(east),
      await keys.gateway(west, 'gateway-2'),
      await keys.gateway(west, 'gateway-3'),
    ];
    await quick.appliesEverything();
    await slow.appliesEverything();
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east, west]);
    await plane.applied(silent, west);
    await keys.rotate(name);
    const held = await until('gateways have answered', async () => {
      const seen = await keys.rotation(name);
      return seen.waitsFor.includes('gateway-3') && !seen.waitsFor.includes('gateway-2') && seen;
    });
    const deployment = await newestDeployment(proxy, west);
    expect(held).toMatchObject({
      stage: 'publishing',
      waitsFor: expect.stringContaining(
        `${proxy} in ${west.name} (deployment ${deployment}: gateway-3 has not answered)`,
      ) as string,
      deploymentList: expect.arrayContaining([
        expect.objectContaining({ environmentName: east.name, apiProxyName: proxy, state: 'succeeded', pending: [] }),
        expect.objectContaining({
          ...{ environmentName: west.name, state: 'pending', pending: ['gateway-3'], rejecting: [] },
          deploymentId: `${west.name}:${deployment}`,
        }),
      ]) as unknown,
    });
    expect(await keys.published(proxy, quick)).toBe('first (second)');
    await plane.applied(silent, west);
    await keys.reaches(name, 'waiting');
  });

  it('does not let the old key go before every gateway signs with the new one', async () => {
    const gateway = await keys.gateway(east);
    const name = await keys.key();
    await keys.proxy(name, [east]);
    await plane.applied(gateway, east);
    await keys.rotate(name, { publishForSeconds: 0 });
    await plane.applied(gateway, east);
    await keys.reaches(name, 'retiring');
    itIsLaterBy(HOUR_SECONDS * 24);
    await look();
    await until('it says so', async () => (await keys.rotation(name)).waitsFor.includes('sign with the new key'));
    expect(await keys.rotation(name)).toMatchObject({ stage: 'retiring', acknowledgedAt: null, retiresAt: null });
    await plane.applied(gateway, east);
    await until('it is acknowledged', async () => (await keys.rotation(name))['acknowledgedAt'] !== null);
    expect((await keys.rotation(name)).stage).toBe('retiring');
  });

  it('is held by a gateway that rejects what was published, until a later deployment of somebody is applied', async () => {
    const gateway = await keys.gateway(east);
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east]);
    await plane.applied(gateway, east);
    const next = (await newestDeployment(proxy, east)) + 1;
    await gateway.says({
      rejected: [{ proxyId: await plane.proxyId(proxy), deployment: next, reason: 'the key does not fit' }],
    });
    await keys.rotate(name);
    const held = await until('it is rejected', async () => {
      const seen = await keys.rotation(name);
      return seen.waitsFor.includes('rejects it') && seen;
    });
    expect(held).toMatchObject({
      stage: 'publishing',
      waitsFor: expect.stringContaining('is to be deployed again') as string,
      deploymentList: [{ state: 'failed', rejecting: [{ gatewayId: 'gateway-1', reason: 'the key does not fit' }] }],
    });
    await look();
    expect((await keys.rotation(name)).stage).toBe('publishing');
    await plane.done('PUT', keys.policyOf(proxy), keys.policy(name, [east], { tokenExpiresInAmount: 2 }));
    await gateway.says({ rejected: [] });
    await plane.applied(gateway, east);
    await keys.reaches(name, 'waiting');
  });

  it('waits for nobody who uses the key no more: undeployed, or its environment deleted', async () => {
    await keys.gateway(east);
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east]);
    await keys.rotate(name);
    expect((await keys.rotation(name)).stage).toBe('publishing');
    await plane.done('DELETE', `/projects/shop/apiProxies/${proxy}/environments/${east.name}/`);
    await keys.reaches(name, 'waiting');
  });

  it('of one environment waits for that one alone, and is over when it is deleted', async () => {
    await keys.gateway(east);
    const name = await keys.key({ environmentNameList: [east.name, west.name] });
    await keys.proxy(name, [east]);
    await keys.rotate(name, { environmentNameList: [west.name] });
    expect(await keys.reaches(name, 'waiting')).toMatchObject({ environmentNameList: [west.name] });
    const before = await secretsOfKeys();
    await plane.done('DELETE', `/environments/${west.name}/`);
    expect(await keys.rotation(name)).toMatchObject({ stage: 'replaced', settled: true });
    expect(await stepsOf(name)).toEqual(['started', 'published', 'replaced']);
    expect(await secretsOfKeys()).toBe(before - 2);
    await keys.rotate(name);
  });

  it('keeps the old key for the longest token of any revision that it signed for, deployed today or not', async () => {
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east], { tokenExpiresInAmount: 5 });
    const deleted = await keys.proxy(name, [east], { tokenExpiresInAmount: 7 });
    await plane.done('DELETE', `/projects/shop/apiProxies/${deleted}/`);
    await plane.done('PUT', keys.policyOf(proxy), keys.policy(name, [east]));
    await keys.rotate(name, { publishForSeconds: 0 });
    const life = async () => (await keys.reaches(name, 'retiring'))['longestTokenLifeSeconds'];
    expect(await life()).toBe(7 * HOUR_SECONDS);
    // The key of now has signed for the revision of now alone.
    await keys.rotate(name, { publishForSeconds: 0, kid: 'third' });
    expect(await life()).toBe(HOUR_SECONDS);
  });

  it('keeps the old key for the tokens that own settings of credentials gave with it', async () => {
    const name = await keys.key();
    const P = '/projects/shop';
    const settingsOf = async (algorithm: string, amount: number): Promise<void> => {
      const username = `user-${name}-${amount}`;
      await plane.done('POST', `${P}/credentials/`, credentialBody(username, 'a password'));
      await plane.done('PUT', `${P}/credentials/${username}/token/`, {
        ...{ tokenNeverExpires: false, tokenExpiresInAmount: amount, tokenExpiresInUnit: 'HOURS' },
        jwtSignatureAlgorithm: algorithm,
      });
    };
    await settingsOf('ES256', 9);
    await settingsOf('RS256', 11);
    await keys.proxy(name, [east], { managedFromThisPolicy: false });
    const managed = await keys.key();
    await keys.proxy(managed, [east]);
    for (const [store, hours] of [
      [name, 9],
      [managed, 1],
    ] as const) {
      await keys.rotate(store, { publishForSeconds: 0 });
      expect((await keys.reaches(store, 'retiring'))['longestTokenLifeSeconds']).toBe(hours * HOUR_SECONDS);
    }
  });

  it('whose old key signed tokens that never expire waits for ever and says so', async () => {
    const name = await keys.key();
    await keys.proxy(name, [east], { tokenNeverExpires: true });
    const { warnings } = await keys.rotate(name, { publishForSeconds: 0 });
    expect(warnings).toContainEqual(expect.objectContaining({ message: expect.stringContaining('never') as string }));
    await until('it is acknowledged', async () => (await keys.rotation(name))['acknowledgedAt'] !== null);
    expect((await keys.rotation(name)).waitsFor).toContain('for ever');
    itIsLaterBy(HOUR_SECONDS * 24 * 1_000);
    await look();
    expect(await keys.rotation(name)).toMatchObject({ stage: 'retiring', retiresAt: null });
    await force(name);
    expect((await keys.rotation(name)).stage).toBe('finished');
  });

  it('goes on in another process when its own has ended', async () => {
    const first = await RunningControlPlane.start();
    await first.done('POST', '/projects/', { name: 'shop' });
    const before = new RotatingKeys(first);
    const name = await before.key();
    await before.rotate(name);
    await before.reaches(name, 'waiting');
    await first.app.close();
    first.redis.disconnect();
    itIsLaterBy(301);
    const { database, masterKey } = first;
    const second = await RunningControlPlane.start({}, { database, masterKey });
    const { stepList } = await new RotatingKeys(second).reaches(name, 'retiring');
    expect(stepList.slice(0, 3).map(({ step }) => step)).toEqual(['started', 'published', 'switched']);
    await second.close();
  });

  it('is taken one step at a time by many deployers', async () => {
    const others = [await plane.process(), await plane.process()];
    const gateway = await keys.gateway(east);
    await gateway.appliesEverything();
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east]);
    const before = await newestDeployment(proxy, east);
    await keys.rotate(name, { publishForSeconds: 0 });
    await until('it is acknowledged', async () => (await keys.rotation(name))['acknowledgedAt'] !== null);
    expect(await stepsOf(name)).toEqual(['started', 'published', 'switched', 'acknowledged']);
    expect(await newestDeployment(proxy, east)).toBe(before + 2);
    for (const other of others) await other.close();
  });
});

describe('people', () => {
  it('POST P/jwks/{name}/rotate/pause/ and POST P/jwks/{name}/rotate/resume/: pause a rotation, and resume it', async () => {
    const name = await keys.key();
    await keys.rotate(name);
    await keys.reaches(name, 'waiting');
    const { resultList } = await plane.done('POST', keys.at(name, 'rotate/pause/'));
    expect(resultList[0]).toMatchObject({ rotation: { stage: 'waiting', paused: true } });
    expect((await plane.call('POST', keys.at(name, 'rotate/pause/'))).status).toBe(409);
    itIsLaterBy(301);
    const looked = await plane.pool.query<{ look_at: Date | null }>(
      `select look_at from key_rotations join names on entity_id = key_store_id where name = $1`,
      [name],
    );
    expect(looked.rows).toEqual([{ look_at: null }]);
    await look();
    expect(await keys.rotation(name)).toMatchObject({
      stage: 'waiting',
      waitsFor: expect.stringMatching(/^paused/) as string,
    });
    await plane.done('POST', keys.at(name, 'rotate/resume/'));
    expect((await plane.call('POST', keys.at(name, 'rotate/resume/'))).status).toBe(409);
    await keys.reaches(name, 'retiring');
    expect(await stepsOf(name)).toEqual(expect.arrayContaining(['paused', 'resumed']));
  });

  it('POST P/jwks/{name}/rotate/force/: force it from stage to stage, and are told what was not waited for', async () => {
    const gateway = await keys.gateway(east);
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east]);
    await keys.rotate(name);
    await namesItsGateway(name);
    const first = await force(name);
    expect(first.resultList[0]).toMatchObject({ rotation: { stage: 'waiting' } });
    expect(first.warnings).toEqual([
      { field: 'rotation', message: expect.stringMatching(/^not waited for any longer: .*gateway-1/) as string },
    ]);
    const second = await force(name);
    expect(second.resultList[0]).toMatchObject({ keyList: [{ kid: 'second' }], rotation: { stage: 'retiring' } });
    expect(await namesItsGateway(name)).toMatch(/gateway-1.*and then 3660 seconds/);
    const third = await force(name);
    expect(third.warnings).toContainEqual({
      ...{ field: 'rotation', message: expect.stringMatching(/^tokens .* are refused/) as string },
    });
    expect(third.resultList[0]).toMatchObject({ keyList: [{ previousKeyList: [] }], rotation: { stage: 'finished' } });
    await until('gateways get it', async () => (await keys.published(proxy, gateway)) === 'second ()');
    expect((await plane.call('POST', keys.at(name, 'rotate/force/'))).status).toBe(409);
    expect(await stepsOf(name)).toEqual([
      ...['started', 'forced', 'published', 'forced', 'switched', 'forced', 'finished'],
    ]);
  });

  it('DELETE P/jwks/{name}/rotate/: cancel it before the new key signs, and not afterwards', async () => {
    const gateway = await keys.gateway(east);
    await gateway.appliesEverything();
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east]);
    const before = await secretsOfKeys();
    await keys.rotate(name);
    const cancelled = await plane.askedAt(patient, () => plane.done('DELETE', keys.at(name, 'rotate/')));
    expect(cancelled.resultList[0]).toMatchObject({
      keyList: [{ kid: 'first', nextKeyList: [], previousKeyList: [] }],
      rotation: { stage: 'cancelled' },
    });
    expect(cancelled.deploymentResult).toMatchObject({ success: true, deploymentResults: [{}] });
    expect(await keys.published(proxy, gateway)).toBe('first ()');
    expect(await secretsOfKeys()).toBe(before);
    expect((await plane.call('DELETE', keys.at(name, 'rotate/'))).status).toBe(409);
    await keys.rotate(name, { publishForSeconds: 0 });
    await keys.reaches(name, 'retiring');
    expect((await plane.call('DELETE', keys.at(name, 'rotate/'))).status).toBe(409);
  });

  it('begin another one when the new key signs, not before', async () => {
    const name = await keys.key();
    await keys.proxy(name, [east]);
    await keys.rotate(name);
    const refused = await plane.call('POST', keys.at(name, 'rotate/'), { kid: 'third' });
    expect([refused.status, refused.body.error_description]).toEqual([
      ...[409, expect.stringMatching(/under way already \(stage (publishing|waiting)\)/) as string],
    ]);
    await keys.reaches(name, 'waiting');
    await force(name);
    const again = await keys.rotate(name, { kid: 'third', publishForSeconds: 0 });
    expect(again.resultList[0]).toMatchObject({
      keyList: [{ kid: 'second', nextKeyList: [{ kid: 'third' }], previousKeyList: [{ kid: 'first' }] }],
    });
    await until('both are acknowledged', async () => {
      const { resultList } = await plane.done('GET', keys.at(name));
      const [key] = resultList[0]?.['keyList'] as { previousKeyList: { kid: string; retiresAt: string | null }[] }[];
      return key?.previousKeyList.length === 2 && key.previousKeyList.every(({ retiresAt }) => retiresAt !== null);
    });
    itIsLaterBy(HOUR_SECONDS + 61);
    await until('both old keys are gone', async () => {
      const { resultList } = await plane.done('GET', keys.at(name));
      return (resultList[0]?.['keyList'] as { previousKeyList: unknown[] }[])[0]?.previousKeyList.length === 0;
    });
  });

  /** Its first rotation waits for its old key to go, and a second one has begun and is paused. */
  async function rotatedTwice(policy: object = {}): Promise<{ name: string; proxy: string; first: unknown }> {
    const name = await keys.key();
    const proxy = await keys.proxy(name, [east], policy);
    await keys.rotate(name, { publishForSeconds: 0 });
    const first = await until('it is acknowledged', async () => {
      const seen = await keys.rotation(name);
      return seen['acknowledgedAt'] !== null && seen;
    });
    await keys.rotate(name, { kid: 'third' });
    await keys.reaches(name, 'waiting');
    await plane.done('POST', keys.at(name, 'rotate/pause/'));
    return { name, proxy, first: first['rotationId'] };
  }

  it('see the old key of one rotation leave the gateways while the next one goes on', async () => {
    const gateway = await keys.gateway(east);
    await gateway.appliesEverything();
    const { name, proxy, first } = await rotatedTwice();
    expect(await keys.published(proxy, gateway)).toBe('second (third first)');
    const before = await newestDeployment(proxy, east);
    itIsLaterBy(HOUR_SECONDS + 61);
    await until('the first is over', async () => {
      const { resultList } = await plane.done('GET', keys.at(name));
      return (resultList[0]?.['keyList'] as { previousKeyList: unknown[] }[])[0]?.previousKeyList.length === 0;
    });
    expect(await newestDeployment(proxy, east)).toBe(before + 1);
    await until('gateways get it', async () => (await keys.published(proxy, gateway)) === 'second (third)');
    expect(first).not.toBe((await keys.rotation(name))['rotationId']);
  });

  it('follow one rotation to its end, whatever comes after it', async () => {
    const name = await keys.key();
    await keys.rotate(name, { publishForSeconds: 0 });
    const { rotationId } = await until('it is acknowledged', async () => {
      const seen = await keys.rotation(name);
      return seen['acknowledgedAt'] !== null && seen;
    });
    await plane.done('POST', keys.at(name, 'rotate/pause/'));
    const headers = { authorization: `Bearer ${plane.adminToken}` };
    const followed = plane.app.inject({ method: 'GET', url: `/apiops${keys.at(name, 'rotate/stream')}`, headers });
    await until('it is followed', () => Promise.resolve(plane.app.get(ProgressStreams).count === 1));
    await plane.done('POST', keys.at(name, 'rotate/resume/'));
    await keys.rotate(name, { kid: 'third' });
    await plane.done('POST', keys.at(name, 'rotate/pause/'));
    itIsLaterBy(61);
    const events = (await followed).body.split('\n\n').map((event) => event.slice(event.indexOf('{')));
    const seen = events.filter((event) => event !== '').map((event) => JSON.parse(event) as Rotation);
    expect(new Set(seen.map((one) => one['rotationId']))).toEqual(new Set([rotationId]));
    expect(seen.at(-1)).toMatchObject({ stage: 'finished', settled: true });
  });

  it('still reach a rotation that goes on when a later one is over', async () => {
    const { name, first } = await rotatedTwice({ tokenNeverExpires: true });
    await plane.done('DELETE', keys.at(name, 'rotate/'));
    expect(await keys.rotation(name)).toMatchObject({ rotationId: first, stage: 'retiring' });
    expect((await force(name)).resultList[0]).toMatchObject({ keyList: [{ kid: 'second', previousKeyList: [] }] });
    expect((await plane.call('POST', keys.at(name, 'rotate/force/'))).status).toBe(409);
  });

  it('replace a key that is rotated: the rotation is over, and they are told', async () => {
    const name = await keys.key();
    await keys.rotate(name);
    const content = JSON.stringify({ kty: 'oct', k: 'c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMsIGxpdHRsZSBtb3Jl' });
    const before = await secretsOfKeys();
    const answer = await plane.done('PUT', keys.at(name), { sourceType: 'JWK', content });
    expect(answer.resultList[0]).toMatchObject({ keyList: [{ nextKeyList: [] }], rotation: { stage: 'replaced' } });
    expect(answer.warnings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ message: expect.stringContaining('a rotation of these keys') as string }),
      ]),
    );
    expect(await secretsOfKeys()).toBe(before - 1);
  });

  it('take all keys of the past out at once when they must, in the middle of a rotation too', async () => {
    const name = await keys.key();
    await keys.rotate(name);
    const answer = await plane.done('POST', keys.at(name, 'rotate/'), { retirePrevious: true, kid: 'safe' });
    expect(answer.resultList[0]).toMatchObject({
      keyList: [{ kid: 'safe', nextKeyList: [], previousKeyList: [] }],
      rotation: { stage: 'replaced' },
    });
    expect(answer.warnings?.map(({ field }) => field)).toContain('retirePrevious');
    await plane.done('DELETE', keys.at(name));
    expect((await plane.call('GET', keys.at(name, 'rotate/'))).status).toBe(404);
    const left = await plane.pool.query(
      `select 1 from key_rotations where key_store_id not in (select entity_id from names where kind = 'key-store')`,
    );
    expect(left.rowCount).toBe(0);
  });

  it('are warned of a time to publish that is shorter than others may keep keys, and refused what makes no sense', async () => {
    const name = await keys.key();
    const { warnings } = await keys.rotate(name, { publishForSeconds: 299 });
    expect(warnings?.map(({ field }) => field)).toContain('publishForSeconds');
    const refused = async (body: object) =>
      (await plane.call('POST', keys.at(name, 'rotate/'), body)).body.validation_errors?.[0]?.field;
    expect(await refused({ publishForSeconds: -1 })).toBe('publishForSeconds');
    expect(await refused({ publishForSeconds: 30 * 86_400 + 1 })).toBe('publishForSeconds');
    expect(await refused({ publishForSeconds: 1, retirePrevious: true })).toBe('publishForSeconds');
  });

  it('GET P/jwks/{name}/rotate/stream: follow it as server-sent events', async () => {
    const name = await keys.key();
    await keys.rotate(name);
    await force(name).catch(() => undefined);
    await plane.done('DELETE', keys.at(name, 'rotate/')).catch(() => undefined);
    const { body, headers } = await plane.app.inject({
      method: 'GET',
      url: `/apiops${keys.at(name, 'rotate/stream')}`,
      headers: { authorization: `Bearer ${plane.adminToken}` },
    });
    expect(headers['content-type']).toContain('text/event-stream');
    expect(body).toMatch(/^event: settled\ndata: \{"keyName":/);
    expect((await plane.call('GET', keys.at(await keys.key(), 'rotate/'))).status).toBe(404);
  });
});

describe('the metrics', () => {
  /** Of its own: other tests rotate years ahead. */
  let own: RunningControlPlane;
  let keys: RotatingKeys;
  beforeAll(async () => {
    own = await RunningControlPlane.start();
    await own.done('POST', '/projects/', { name: 'shop' });
    keys = new RotatingKeys(own);
  });
  afterAll(() => own.close());
  const metrics = async () => (await own.app.inject({ method: 'GET', url: '/metrics' })).body;

  const rotatedAt = (text: string, which: 'newest' | 'oldest'): number =>
    Number(text.split(`gatewarden_key_last_rotation_timestamp_seconds{which="${which}"} `)[1]?.split('\n')[0] ?? 0);

  it('tell when keys were rotated and how many rotations wait, forget what is deleted, and name no key', async () => {
    const name = await keys.key();
    await keys.rotate(name);
    await keys.reaches(name, 'waiting');
    const waiting = await metrics();
    expect(waiting).toMatch(/gatewarden_key_rotations\{stage="waiting"\} [1-9]/);
    expect(rotatedAt(waiting, 'newest')).toBe(0);
    const beforeSeconds = Date.now() / 1_000 - 1;
    await own.done('POST', keys.at(name, 'rotate/force/'));
    const first = rotatedAt(await metrics(), 'newest');
    expect(first).toBeGreaterThan(beforeSeconds);
    const later = await keys.key();
    await keys.rotate(later, { retirePrevious: true });
    const text = await metrics();
    expect(rotatedAt(text, 'oldest')).toBe(first);
    expect(rotatedAt(text, 'newest')).toBeGreaterThan(first);
    expect(text).toMatch(/gatewarden_oldest_key_rotation_stage_seconds\{stage="retiring"\} \d/);
    for (const inner of [name, later, 'shop']) expect(text).not.toContain(inner);
    await own.done('DELETE', keys.at(later));
    expect(rotatedAt(await metrics(), 'newest')).toBe(first);
    await own.done('DELETE', keys.at(name));
    expect(rotatedAt(await metrics(), 'newest')).toBe(0);
  });
});
