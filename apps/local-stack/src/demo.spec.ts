import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { ApiopsClient } from './apiops-client.ts';
import { loadDemoState } from './demo-state.ts';
import { deployDemo } from './demo.ts';
import { ensureEnvironment } from './gateway-key.ts';
import { signPartnerToken } from './partner-token.ts';

type Answer = { status: number; body: object };

const SUCCESS: Answer = {
  status: 200,
  body: { success: true, deploymentResult: { success: true, deploymentResults: [] } },
};
const TAKEN: Answer = { status: 409, body: { success: false, error: 'conflict' } };

describe('the demo against an apiops server', () => {
  let dataDir: string;
  let server: Server;
  let apiops: ApiopsClient;
  let calls: string[];
  let answerOf: (call: string) => Answer;

  beforeEach(async () => {
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-demo-'));
    calls = [];
    answerOf = () => SUCCESS;
    server = createServer((request, response) => {
      request.resume();
      const call = `${request.method} ${request.url}`;
      calls.push(request.headers.authorization === 'Bearer admin' ? call : `unauthorized ${call}`);
      const { status, body } = answerOf(call);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    apiops = new ApiopsClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'admin');
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const deploy = async (upstreamPort = 4000): Promise<string[]> => {
    calls = [];
    await deployDemo(apiops, await loadDemoState(dataDir), { dataDir, upstreamPort, say: () => undefined });
    return calls;
  };
  const X = '/apiops/projects/demo/apiProxies';
  const ALL = [
    'POST /apiops/projects/',
    `POST ${X}/url/`,
    `PATCH ${X}/orders/settings/keys/`,
    'POST /apiops/projects/demo/credentials/',
    `POST ${X}/orders/policies/jwt-auth/`,
    `POST ${X}/url/`,
    `POST ${X}/partners/policies/verify-partner/`,
  ];
  const projectExists = (call: string): Answer => (call === 'POST /apiops/projects/' ? TAKEN : SUCCESS);

  it('says everything once, and the next time nothing but the project', async () => {
    expect(await deploy()).toEqual(ALL);
    answerOf = projectExists;
    expect(await deploy()).toEqual(['POST /apiops/projects/']);
  });

  it('goes on where an earlier run was interrupted', async () => {
    answerOf = (call) => (call.includes('jwt-auth') ? { status: 503, body: { error: 'unavailable' } } : SUCCESS);
    await expect(deploy()).rejects.toMatchObject({ code: 'APIOPS_REFUSED' });
    answerOf = projectExists;
    expect(await deploy()).toEqual(['POST /apiops/projects/', ...ALL.slice(4)]);
  });

  it('begins again when the project was not there any more', async () => {
    await deploy();
    expect(await deploy()).toEqual(ALL);
  });

  it('puts its new secrets where things exist already, when its own file was deleted', async () => {
    answerOf = (call) => (call.startsWith('POST') ? TAKEN : SUCCESS);
    expect(await deploy()).toEqual([
      ...ALL.slice(0, 4),
      'PATCH /apiops/projects/demo/credentials/alice/',
      ...ALL.slice(4),
      `PUT ${X}/partners/policies/verify-partner/`,
    ]);
  });

  it('tells the proxies when the sample upstream has another port', async () => {
    await deploy(4000);
    answerOf = projectExists;
    expect(await deploy(4100)).toEqual(['POST /apiops/projects/', `PUT ${X}/url/`, `PUT ${X}/url/`]);
    expect(await deploy(4100)).toEqual(['POST /apiops/projects/']);
  });

  it('keeps the gateway key, which is shown once, and asks for another when it is lost', async () => {
    const file = path.join(dataDir, 'gateway-production.key');
    answerOf = () => ({ status: 200, body: { resultList: [{ gatewayKey: 'first' }] } });
    expect(await ensureEnvironment(apiops, dataDir)).toBe('first');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    answerOf = (call) =>
      call === 'POST /apiops/environments/' ? TAKEN : { status: 200, body: { resultList: [{ gatewayKey: 'second' }] } };
    expect(await ensureEnvironment(apiops, dataDir)).toBe('first');
    rmSync(file);
    expect(await ensureEnvironment(apiops, dataDir)).toBe('second');
    expect(readFileSync(file, 'utf8').trim()).toBe('second');
  });

  it('keeps its own secrets from run to run in a file that only its owner can read', async () => {
    const first = await loadDemoState(dataDir);
    expect(await loadDemoState(dataDir)).toEqual(first);
    expect(statSync(path.join(dataDir, 'demo.json')).mode & 0o777).toBe(0o600);
  });

  it('signs a partner token that its public key verifies', async () => {
    const state = await loadDemoState(dataDir);
    const token = await signPartnerToken(state.partnerPrivateKey);
    const { payload } = await jwtVerify(token, createPublicKey(state.partnerPublicKey), {
      issuer: 'https://partner.example',
      algorithms: ['RS256'],
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(86_400);
  });
});
