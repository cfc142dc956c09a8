import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import {
  SEED_ADD_ANSWER,
  SEED_ADD_BODY,
  SEED_ADD_CURL_BODY,
  SEED_DELETE_ANSWER,
  SEED_DELETE_BODY,
  SEED_DELETE_CURL_BODY,
  SEED_LIST_ANSWER,
  SEED_UPDATE_ANSWER,
  SEED_UPDATE_BODY,
  SEED_UPDATE_CURL_BODY,
} from './testing/seed-bodies.ts';

const LIST = '/projects/MyProject/apiProxies/MyAPI/policies/';
const POLICY = `${LIST}jwt-auth-policy/`;
const parsed = (text: string) => JSON.parse(text) as Record<string, object>;

let plane: RunningControlPlane;
/** The seed's environment is called `production`: a Redis of our own, where nobody else has one of that name. */
let redis: RunningServer;
let connection: Redis;
let gateway: FakeGateway;
const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-seed-'));

beforeAll(async () => {
  redis = await startRedis({ dataDir: directory, appendOnly: false });
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'MyProject' });
  await plane.done('POST', '/projects/MyProject/apiProxies/url/', proxyBody('MyAPI'));
  const created = await plane.done('POST', '/environments/', { name: 'production', redisUrl: redis.url });
  const gatewayKey = String(created.resultList[0]?.['gatewayKey']);
  connection = new Redis(redis.url);
  gateway = await FakeGateway.admitted(connection, { name: 'production', gatewayKey });
  await gateway.appliesEverything();
});
afterAll(async () => {
  await gateway.ends();
  await plane.close();
  connection.disconnect();
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  await plane.call('DELETE', POLICY, { operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST' } });
});

/** The bytes of the seed, not what a parser makes of them. */
const send = (method: 'POST' | 'PUT' | 'DELETE', text: string) =>
  plane.call(method, POLICY, text, { 'content-type': 'application/json' });

describe("the seed's own requests, byte for byte", () => {
  it.each([
    ['its full body', SEED_ADD_BODY],
    ['the body that curl sends', SEED_ADD_CURL_BODY],
  ])('POST X/policies/{policyName}/ with %s is answered as the seed has it', async (_what, text) => {
    const answer = await send('POST', text);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject(parsed(SEED_ADD_ANSWER));
    const { resultList } = await plane.done('GET', POLICY);
    expect(resultList[0]).toMatchObject({
      policy: { ...parsed(text)['policy'], name: 'jwt-auth-policy' },
      operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST', order: 1 },
    });
  });

  it('GET X/policies/ answers in the shape of the seed, every member of it', async () => {
    await send('POST', SEED_ADD_CURL_BODY);
    const { status, body } = await plane.call('GET', LIST);
    expect(status).toBe(200);
    expect(body).toMatchObject(parsed(SEED_LIST_ANSWER));
    expect(Object.keys(body.resultList[0] ?? {})).toEqual(['apiProxy', 'endpointList']);
    const { apiProxy } = body.resultList[0] as { apiProxy: object };
    expect(Object.keys(apiProxy)).toEqual(['name', 'requestPolicyList', 'responsePolicyList', 'errorPolicyList']);
  });

  it.each([
    ['its full body', SEED_UPDATE_BODY],
    ['the body that curl sends', SEED_UPDATE_CURL_BODY],
  ])('PUT X/policies/{policyName}/ with %s replaces the policy whole', async (_what, text) => {
    await send('POST', SEED_ADD_BODY);
    const answer = await send('PUT', text);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject(parsed(SEED_UPDATE_ANSWER));
    const { resultList } = await plane.done('GET', POLICY);
    expect(resultList[0]?.['policy']).toMatchObject(parsed(text)['policy'] ?? {});
  });

  it.each([
    ['its full body', SEED_DELETE_BODY],
    ['the body that curl sends', SEED_DELETE_CURL_BODY],
  ])('DELETE X/policies/{policyName}/ with %s deletes it and deploys nothing', async (_what, text) => {
    await send('POST', SEED_ADD_BODY);
    const answer = await send('DELETE', text);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ ...parsed(SEED_DELETE_ANSWER), status: 'SUCCESS' });
    expect((await plane.call('GET', POLICY)).status).toBe(404);
  });
});
