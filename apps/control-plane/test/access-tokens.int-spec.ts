import { createHash } from 'node:crypto';
import pg from 'pg';
import { credentialBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const UNAUTHORISED = { success: false, status: 'FAILURE', error: 'unauthorized_client' };

let plane: RunningControlPlane;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`);

async function made(name: string, members: object = {}): Promise<string> {
  const body = { name, permissions: ['VIEW'], projects: ['*'], ...members };
  const [token] = (await plane.done('POST', '/tokens/', body)).resultList;
  return String(token?.['token']);
}

const listed = async (name: string): Promise<Record<string, unknown> | undefined> =>
  (await plane.done('GET', '/tokens/')).resultList.find((one) => one['name'] === name);
const visible = async (token: string): Promise<unknown[]> => {
  const { status, body } = await plane.call('GET', '/projects/', undefined, bearer(token));
  expect(status).toBe(200);
  return body.resultList.map((one) => one['name']);
};
const expireNow = (name: string) =>
  plane.pool.query(`update access_tokens set expires_at = now() - interval '1 second' where name = $1`, [name]);

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  for (const name of ['shop', 'bank']) await plane.done('POST', '/projects/', { name });
});
afterAll(() => plane.close());

describe('POST /apiops/tokens/', () => {
  it('answers the token once, of 256 bits under the prefix gwt_, and lets nobody keep the answer', async () => {
    const body = { name: 'new', permissions: ['DEPLOY', 'VIEW', 'DEPLOY'], projects: ['shop', 'bank', 'shop'] };
    const answer = await plane.call('POST', '/tokens/', body);
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const [token] = answer.body.resultList;
    expect(token).toEqual({
      ...{ name: 'new', permissions: ['VIEW', 'DEPLOY'], projects: ['bank', 'shop'], expiresAt: null },
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      token: expect.stringMatching(/^gwt_[A-Za-z0-9_-]{43}$/) as string,
    });
    const { token: _token, ...rest } = token ?? {};
    expect(await listed('new')).toEqual(rest);
  });

  it('keeps the token nowhere, and its hash in no event, answer or log line', async () => {
    const token = await made('hidden');
    const digest = createHash('sha256').update(token).digest();
    const seen = [...plane.answers.slice(0, -1), ...plane.logLines, JSON.stringify(await plane.events())].join('\n');
    const answers = (await plane.call('GET', '/tokens/')).text;
    const { rows } = await plane.pool.query('select * from access_tokens');
    for (const text of [seen, answers, JSON.stringify(rows)]) expect(text).not.toContain(token);
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      expect(seen + answers).not.toContain(digest.toString(form));
    }
    const kept = await plane.pool.query(`select digest from access_tokens where name = 'hidden'`);
    expect(kept.rows).toEqual([{ digest }]);
  });

  it('is recorded as TokenCreated in a stream of its own, with the ids of the projects', async () => {
    await made('recorded', { permissions: ['ADMIN'], projects: ['shop'], expiresAt: '2090-01-01T01:00:00+01:00' });
    const event = (await plane.events()).find(({ data }) => data['name'] === 'recorded');
    const { rows } = await plane.pool.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'project' and name = 'shop'`,
    );
    expect(event).toMatchObject({
      ...{ type: 'TokenCreated', stream_id: `accessToken-${String(event?.data['tokenId'])}`, version: 1 },
      metadata: { actor: 'admin' },
    });
    expect(event?.data).toEqual({
      ...{ tokenId: event?.data['tokenId'], name: 'recorded', permissions: ['ADMIN'] },
      projects: [{ projectId: rows[0]?.entity_id, name: 'shop' }],
      expiresAt: '2090-01-01T00:00:00.000Z',
    });
  });

  it.each<[string, object, string[]]>([
    ['nothing', {}, ['name required', 'permissions required', 'projects required']],
    ['a name of other characters', { name: 'a/b' }, ['name invalid']],
    ['a name that is no text', { name: 1 }, ['name wrong_type']],
    ['no permission', { permissions: [] }, ['permissions out_of_range']],
    ['an unknown permission', { permissions: ['VIEW', 'ROOT'] }, ['permissions[1] invalid_value']],
    ['no project', { projects: [] }, ['projects out_of_range']],
    ['a project that is no name', { projects: ['shop', 1] }, ['projects[1] invalid']],
    [
      'unknown projects',
      { projects: ['none', 'shop', 'neither'] },
      ['projects[0] unknown_project', 'projects[2] unknown_project'],
    ],
    ['a project beside all', { projects: ['*', 'shop'] }, ['projects[1] invalid']],
    ['an end that is past', { expiresAt: '2020-01-01T00:00:00Z' }, ['expiresAt out_of_range']],
    ['an end that is no time', { expiresAt: 'tomorrow' }, ['expiresAt invalid']],
    ['an end without its offset', { expiresAt: '2090-01-01T00:00:00' }, ['expiresAt invalid']],
    ['an unknown member', { admin: true }, ['admin unknown_field']],
    [
      'many faults',
      { name: '', permissions: ['X'], projects: ['none'], expiresAt: '2020-01-01T00:00:00Z', more: 1 },
      [
        'expiresAt out_of_range',
        'more unknown_field',
        'name invalid',
        'permissions[0] invalid_value',
        'projects[0] unknown_project',
      ],
    ],
  ])('refuses %s, naming every fault, and records nothing', async (what, members, faults) => {
    const whole = { name: 'refused', permissions: ['VIEW'], projects: ['shop'], expiresAt: null };
    const before = (await plane.events()).length;
    const answer = await plane.call('POST', '/tokens/', what === 'nothing' ? {} : { ...whole, ...members });
    expect(answer.status).toBe(400);
    expect(faultsOf(answer).sort()).toEqual(faults);
    expect((await plane.events()).length).toBe(before);
    expect(await listed('refused')).toBeUndefined();
  });

  it('lists the permissions there are when it refuses one', async () => {
    const answer = await plane.call('POST', '/tokens/', { name: 'x', permissions: ['ROOT'], projects: ['*'] });
    expect(answer.body.validation_errors?.[0]?.message).toContain('VIEW, MANAGE, DEPLOY, ADMIN');
  });

  it('refuses a name that is taken, and the name of ADMIN_TOKEN', async () => {
    await made('taken');
    for (const name of ['taken', 'admin']) {
      const body = { name, permissions: ['VIEW'], projects: ['*'] };
      expect((await plane.call('POST', '/tokens/', body)).body).toMatchObject({ error: 'conflict' });
    }
  });
});

describe('GET /apiops/tokens/', () => {
  it('shows names, permissions, projects and times by name, never a token or a hash', async () => {
    const { resultList } = await plane.done('GET', '/tokens/');
    const names = resultList.map((one) => String(one['name']));
    expect(names).toEqual([...names].sort());
    for (const one of resultList) {
      expect(Object.keys(one).sort()).toEqual(['createdAt', 'expiresAt', 'name', 'permissions', 'projects']);
    }
  });
});

describe('DELETE /apiops/tokens/{name}/', () => {
  it('ends the token at once, in every process, and frees its name', async () => {
    const token = await made('gone');
    const other = await plane.process({ roles: new Set(['api'] as const) });
    const ask = () => other.inject({ method: 'GET', url: '/apiops/projects/', headers: bearer(token) });
    expect((await ask()).statusCode).toBe(200);
    await plane.done('DELETE', '/tokens/gone/');
    const refused = await ask();
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(refused.json()).toMatchObject({ ...UNAUTHORISED, error_description: 'Token is not valid' });
    expect(await listed('gone')).toBeUndefined();
    const again = await made('gone');
    expect(again).not.toBe(token);
    expect((await ask()).statusCode).toBe(401);
    expect(await visible(again)).toEqual(['bank', 'shop']);
  });

  it('is recorded as TokenRevoked', async () => {
    await made('ended');
    await plane.done('DELETE', '/tokens/ended/');
    const events = (await plane.events()).filter(({ data }) => data['name'] === 'ended');
    expect(events.map(({ type, version }) => `${type} ${version}`)).toEqual(['TokenCreated 1', 'TokenRevoked 2']);
  });

  it('is a 404 for an unknown name, and a 409 for ADMIN_TOKEN', async () => {
    expect((await plane.call('DELETE', '/tokens/nobody/')).status).toBe(404);
    expect((await plane.call('DELETE', '/tokens/admin/')).status).toBe(409);
    expect((await plane.call('GET', '/projects/')).status).toBe(200);
  });
});

describe('a token', () => {
  it('is expired from the moment it names', async () => {
    const token = await made('short', { expiresAt: '2090-01-01T00:00:00Z' });
    expect(await visible(token)).toEqual(['bank', 'shop']);
    await expireNow('short');
    const { status, body } = await plane.call('GET', '/projects/', undefined, bearer(token));
    expect(status).toBe(401);
    expect(body).toMatchObject({ ...UNAUTHORISED, error_description: 'Token was expired' });
  });

  it('is who its changes are put down to', async () => {
    const token = await made('robot', { permissions: ['ADMIN'] });
    await plane.done('POST', '/projects/', { name: 'made-by-robot' }, bearer(token));
    const event = (await plane.events()).find(({ data }) => data['name'] === 'made-by-robot');
    expect(event?.metadata['actor']).toBe('robot');
    await plane.done('DELETE', '/projects/made-by-robot/');
  });

  it('for a project opens none that is made later under the same name', async () => {
    await plane.done('POST', '/projects/', { name: 'phoenix' });
    const token = await made('old', { permissions: ['ADMIN'], projects: ['phoenix'] });
    expect(await visible(token)).toEqual(['phoenix']);
    await plane.done('DELETE', '/projects/phoenix/');
    await plane.done('POST', '/projects/', { name: 'phoenix' });
    expect(await visible(token)).toEqual([]);
    const body = credentialBody('intruder', 'secret-of-intruder');
    for (const [method, path] of [
      ['GET', '/projects/phoenix/apiProxies/'],
      ['POST', '/projects/phoenix/credentials/'],
      ['DELETE', '/projects/phoenix/'],
    ] as const) {
      expect((await plane.call(method, path, method === 'POST' ? body : undefined, bearer(token))).status).toBe(403);
    }
    expect((await listed('old'))?.['projects']).toEqual([]);
  });

  it('is neither good nor bad while the database is away: 503, except for ADMIN_TOKEN, which needs none', async () => {
    const away = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
    const app = await plane.process({ roles: new Set(['api'] as const) }, away);
    const ask = (token: string, url: string) => app.inject({ method: 'GET', url, headers: bearer(token) });
    const refused = await ask('gwt_whatever', '/apiops/projects/');
    expect(refused.statusCode).toBe(503);
    expect(refused.json()).toMatchObject({ success: false, status: 'FAILURE', error: 'unavailable' });
    expect((await ask(plane.adminToken, '/apiops/no-such-call/')).statusCode).toBe(404);
    await away.end();
  });
});
