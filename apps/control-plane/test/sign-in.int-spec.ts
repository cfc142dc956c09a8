import { randomBytes } from 'node:crypto';
import { FAILURES_PER_WINDOW } from '../src/http/access/failed-attempts.ts';
import { waitedFor, whileOpen } from './testing/open-transactions.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const FORM = 'application/x-www-form-urlencoded';

let plane: RunningControlPlane;
let ciToken: string;
/** Failures are counted by address: every test has one of its own. */
let lastAddress = 0;
const freshAddress = (): string => `192.0.2.${(lastAddress += 1)}`;
const asForm = (members: Record<string, string>): string => new URLSearchParams(members).toString();
const grant = (clientId: string, secret: string) => ({
  ...{ grant_type: 'client_credentials', client_id: clientId, client_secret: secret },
});

interface SignedIn {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly error?: string;
  readonly error_description?: string;
}

async function signIn(payload: string | object, { type = FORM, address = freshAddress(), app = plane.app } = {}) {
  const headers = { 'content-type': type };
  const url = '/apiops/auth/token';
  const answer = await app.inject({ method: 'POST', url, payload, headers, remoteAddress: address });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: answer.json<SignedIn>() };
}

async function sessionOf(clientId: string, secret: string): Promise<string> {
  return (await signIn(asForm(grant(clientId, secret)))).body.access_token;
}

async function listProjects(token: string, { address = freshAddress(), app = plane.app } = {}) {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await app.inject({ method: 'GET', url: '/apiops/projects/', headers, remoteAddress: address });
  const { error, error_description: message } = answer.json<{ error?: string; error_description?: string }>();
  return { status: answer.statusCode, headers: answer.headers, error, message };
}

async function made(name: string, members: object = {}): Promise<string> {
  const body = { name, permissions: ['ADMIN'], projects: ['*'], ...members };
  return String((await plane.done('POST', '/tokens/', body)).resultList[0]?.['token']);
}

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  ciToken = await made('ci');
});
afterAll(() => plane.close());

describe('POST /apiops/auth/token', () => {
  it('exchanges a token for an access token of an hour, which works in every process', async () => {
    const { status, headers, body } = await signIn(asForm(grant('ci', ciToken)));
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.stringMatching(/^gws_[A-Za-z0-9_-]{43}$/) as string,
      ...{ token_type: 'Bearer', expires_in: 3600 },
    });
    const other = await plane.process({ roles: new Set(['api'] as const) });
    expect((await listProjects(body.access_token, { app: other })).status).toBe(200);
  });

  it('puts changes made with the access token down to the token', async () => {
    const headers = { authorization: `Bearer ${await sessionOf('ci', ciToken)}` };
    await plane.done('POST', '/projects/', { name: 'by-session' }, headers);
    const event = (await plane.events()).find(({ data }) => data['name'] === 'by-session');
    expect(event?.metadata['actor']).toBe('ci');
  });

  it('gives no more than the token has', async () => {
    const session = await sessionOf('viewer', await made('viewer', { permissions: ['VIEW'] }));
    const headers = { authorization: `Bearer ${session}` };
    expect((await plane.call('GET', '/projects/', undefined, headers)).status).toBe(200);
    expect((await plane.call('POST', '/projects/', { name: 'no' }, headers)).status).toBe(403);
  });

  it('takes ADMIN_TOKEN under the name admin, and JSON', async () => {
    const { status, body } = await signIn(grant('admin', plane.adminToken), { type: 'application/json' });
    expect(status).toBe(200);
    expect((await listProjects(body.access_token)).status).toBe(200);
  });

  it('keeps nothing that the access token, or ADMIN_TOKEN, could be found with', async () => {
    const session = await sessionOf('admin', plane.adminToken);
    const { rows } = await plane.pool.query<{ row: string }>('select s::text as row from access_token_sessions s');
    const kept = rows.map(({ row }) => row).join() + plane.logLines.join() + JSON.stringify(await plane.events());
    for (const secret of [session, plane.adminToken, ciToken]) {
      for (const form of ['utf8', 'hex', 'base64', 'base64url'] as const) {
        expect(kept).not.toContain(Buffer.from(secret).toString(form));
      }
    }
  });

  it.each<[string, Record<string, string> | string, number, string, string]>([
    [
      'another grant',
      { ...grant('ci', 'x'), grant_type: 'password' },
      400,
      'unsupported_grant_type',
      'GrantType value must be client_credentials!',
    ],
    ['no grant', { client_id: 'ci', client_secret: 'x' }, 400, 'invalid_request', 'grant_type is required'],
    [
      'no secret',
      { grant_type: 'client_credentials', client_id: 'ci' },
      400,
      'invalid_request',
      'client_secret is required',
    ],
    ['an empty name', grant('', 'x'), 400, 'invalid_request', 'client_id is required'],
    [
      'a name twice',
      `${asForm(grant('ci', 'x'))}&client_id=ci`,
      400,
      'invalid_request',
      'client_id must be given once',
    ],
    ['a wrong secret', grant('ci', 'gwt_wrong'), 401, 'unauthorized_client', 'Bad credentials'],
    ['an unknown name', grant('nobody', 'gwt_wrong'), 401, 'unauthorized_client', 'Bad credentials'],
    ['a name in other case', grant('Admin', 'x'), 401, 'unauthorized_client', 'Bad credentials'],
  ])('refuses %s as OAuth does, in the envelope too', async (_what, form, status, error, message) => {
    const answer = await signIn(typeof form === 'string' ? form : asForm(form));
    expect(answer.status).toBe(status);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toEqual({
      ...{ success: false, status: 'FAILURE', error, error_description: message, resultMessage: message },
    });
  });

  it('refuses the token of one under the name of another', async () => {
    const other = await made('other');
    for (const [name, secret] of [
      ['ci', other],
      ['admin', ciToken],
      ['ci', plane.adminToken],
    ] as const) {
      expect((await signIn(asForm(grant(name, secret)))).status).toBe(401);
    }
  });

  it('gives no access token for an access token', async () => {
    const session = await sessionOf('ci', ciToken);
    const ofAdmin = await sessionOf('admin', plane.adminToken);
    expect((await signIn(asForm(grant('ci', session)))).status).toBe(401);
    expect((await signIn(asForm(grant('admin', ofAdmin)))).status).toBe(401);
  });

  it('is of another media type as XML', async () => {
    expect((await signIn('<a/>', { type: 'application/xml' })).status).toBe(415);
  });
});

describe('an access token', () => {
  it('ends with the token it was got with', async () => {
    const session = await sessionOf('short-lived', await made('short-lived'));
    expect((await listProjects(session)).status).toBe(200);
    await plane.done('DELETE', '/tokens/short-lived/');
    expect(await listProjects(session)).toMatchObject({ status: 401, message: 'Token is not valid' });
  });

  it('is not given out for a token that is being revoked', async () => {
    const token = await made('closing');
    let asked: ReturnType<typeof signIn> | undefined;
    await whileOpen(plane.pool, async (revocation) => {
      await revocation.query(`delete from access_tokens where name = 'closing'`);
      asked = signIn(asForm(grant('closing', token)));
      await waitedFor(revocation);
    });
    expect((await asked)?.body.error_description).toBe('Bad credentials');
  });

  it('expires with the token it was got with, and says so beforehand', async () => {
    const token = await made('hour', { expiresAt: '2090-01-01T00:00:00Z' });
    await plane.pool.query(`update access_tokens set expires_at = now() + interval '100 seconds' where name = 'hour'`);
    const { body } = await signIn(asForm(grant('hour', token)));
    expect(body.expires_in).toBeGreaterThan(0);
    expect(body.expires_in).toBeLessThanOrEqual(100);
    await plane.pool.query(`update access_tokens set expires_at = now() where name = 'hour'`);
    expect(await listProjects(body.access_token)).toMatchObject({ status: 401, message: 'Token was expired' });
    expect((await signIn(asForm(grant('hour', token)))).status).toBe(401);
  });

  it('expires by itself, and is forgotten in time', async () => {
    const aged = async (by: string) => {
      await plane.pool.query('update access_token_sessions set expires_at = now() - $1::interval', [by]);
    };
    const rows = async () => (await plane.pool.query('select 1 from access_token_sessions')).rowCount;
    const session = await sessionOf('ci', ciToken);
    await aged('1 second');
    expect(await listProjects(session)).toMatchObject({ status: 401, message: 'Token was expired' });
    await aged('2 hours');
    await sessionOf('ci', ciToken);
    expect(await rows()).toBe(1);
    expect(await listProjects(session)).toMatchObject({ status: 401, message: 'Token is not valid' });
  });

  it('of ADMIN_TOKEN ends when ADMIN_TOKEN is another', async () => {
    const session = await sessionOf('admin', plane.adminToken);
    const changed = `gwt_${randomBytes(32).toString('base64url')}`;
    const app = await plane.process({ roles: new Set(['api'] as const) }, plane.pool, changed);
    expect(await listProjects(session, { app })).toMatchObject({ status: 401, message: 'Token is not valid' });
    expect((await listProjects(ciToken, { app })).status).toBe(200);
    expect((await listProjects(changed, { app })).status).toBe(200);
  });
});

describe('401 of apiops', () => {
  it.each([
    ['no token', {}, 'Client must be authenticated to access this resource'],
    ['another scheme', { authorization: 'Basic YTpi' }, 'Client must be authenticated to access this resource'],
    ['an unknown token', { authorization: 'Bearer gwt_unknown' }, 'Token is not valid'],
    ['an unknown access token', { authorization: 'Bearer gws_unknown' }, 'Token is not valid'],
  ])(
    'answers to %s in the envelope, with WWW-Authenticate',
    async (_what, headers: Record<string, string>, message) => {
      const answer = await plane.app.inject({
        method: 'GET',
        url: '/apiops/projects/',
        headers,
        remoteAddress: freshAddress(),
      });
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.json()).toEqual({
        ...{ success: false, status: 'FAILURE', error: 'unauthorized_client' },
        ...{ error_description: message, resultMessage: message },
      });
    },
  );
});

describe('429 of apiops', () => {
  const wrong = () => `gwt_${randomBytes(32).toString('base64url')}`;
  const chosenToken = 'a token that a person has chosen'.replaceAll(' ', '-');
  let app: Awaited<ReturnType<RunningControlPlane['process']>>;
  beforeAll(async () => {
    app = await plane.process({ trustedProxies: ['10.0.0.0/8'] }, plane.pool, chosenToken);
  });

  it('answers to an address that failed too often, and keeps out no good token that cannot be guessed', async () => {
    const address = freshAddress();
    for (let count = 0; count < FAILURES_PER_WINDOW; count += 1) {
      expect((await listProjects(wrong(), { address, app })).status).toBe(401);
    }
    for (const token of [wrong(), chosenToken]) {
      const refused = await listProjects(token, { address, app });
      expect(refused).toMatchObject({ status: 429, error: 'too_many_requests' });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    }
    const signedIn = await signIn(asForm(grant('admin', chosenToken)), { address, app });
    expect(signedIn.status).toBe(429);
    expect(Number(signedIn.headers['retry-after'])).toBeGreaterThan(0);
    expect(signedIn.body.error).toBe('too_many_requests');
    expect((await listProjects(ciToken, { address, app })).status).toBe(200);
    const { body } = await signIn(asForm(grant('ci', ciToken)), { address, app });
    expect((await listProjects(body.access_token, { address, app })).status).toBe(200);
    expect((await listProjects(chosenToken, { app })).status).toBe(200);
  });

  it('counts failed sign-ins, too, and lets go on who was let in from there before', async () => {
    const address = freshAddress();
    expect((await listProjects(chosenToken, { address, app })).status).toBe(200);
    for (let count = 0; count < FAILURES_PER_WINDOW; count += 1) {
      expect((await signIn(asForm(grant('admin', `wrong-${count}`)), { address, app })).status).toBe(401);
    }
    expect((await signIn(asForm(grant('admin', 'wrong')), { address, app })).status).toBe(429);
    expect((await listProjects(chosenToken, { address, app })).status).toBe(200);
    expect((await signIn(asForm(grant('admin', chosenToken)), { address, app })).status).toBe(200);
  });

  it('is counted by the client that one of TRUSTED_PROXIES names, and by nobody else’s word', async () => {
    const from = async (forwardedFor: string, address: string, token: string) => {
      const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': forwardedFor };
      const url = '/apiops/projects/';
      return (await app.inject({ method: 'GET', url, headers, remoteAddress: address })).statusCode;
    };
    const [proxy, one, other] = ['10.0.0.1', freshAddress(), freshAddress()];
    for (let count = 0; count < FAILURES_PER_WINDOW; count += 1) {
      // What the client itself has written stands before what the proxy adds.
      expect(await from(`203.0.113.${count}, ${one}`, proxy, `wrong-${count}`)).toBe(401);
    }
    expect(await from(one, proxy, chosenToken)).toBe(429);
    expect(await from(other, proxy, chosenToken)).toBe(200);
    const stranger = freshAddress();
    for (let count = 0; count < FAILURES_PER_WINDOW; count += 1) {
      expect(await from(`203.0.113.${count}`, stranger, `wrong-${count}`)).toBe(401);
    }
    expect(await from('203.0.113.200', stranger, chosenToken)).toBe(429);
  });

  it('is no answer to requests without a token', async () => {
    const address = freshAddress();
    for (let count = 0; count <= FAILURES_PER_WINDOW; count += 1) {
      const { statusCode } = await plane.app.inject({
        method: 'GET',
        url: '/apiops/projects/',
        remoteAddress: address,
      });
      expect(statusCode).toBe(401);
    }
    expect((await listProjects(ciToken, { address })).status).toBe(200);
  });
});
