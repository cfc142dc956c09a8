import { answerOf, basic, CLIENT, PROXY_ID, TokenService, USER } from './testing/token-service.ts';

const LIMITS = { failuresPerName: 4, failuresPerAddress: 8, blockMs: 300_000 };
const rig = (policy = {}) => new TokenService(policy, { loginLimits: LIMITS });
const WRONG = { password: 'wrong' };
const wrongSecret = (service: TokenService, client_id: string = CLIENT.id) =>
  service.post({ grant_type: 'client_credentials', client_id, client_secret: 'wrong' });

describe('logins of a user that failed too often', () => {
  it('are answered 429 with Retry-After, whether user and password are right or not, and work again later', async () => {
    const service = rig();
    for (let n = 0; n < 4; n += 1) expect((await service.login(WRONG)).body['error']).toBe('invalid_grant');
    const blocked = await service.login(WRONG);
    expect(blocked).toMatchObject({
      status: 429,
      headers: { 'retry-after': '300', 'cache-control': 'no-store' },
      body: { error: 'temporarily_unavailable' },
    });
    expect(await service.login()).toEqual(blocked);
    expect(service.answered.at(-1)).toMatchObject({ reason: 'login-blocked', subject: USER.name });
    service.nowMs += 300_000;
    expect((await service.login()).status).toBe(200);
  });

  it('are answered and slowed alike when the user does not exist', async () => {
    const seenOf = async (username: string) => {
      const service = rig();
      const answers: unknown[] = [];
      for (let n = 0; n < 6; n += 1) answers.push(await service.login({ username, ...WRONG }));
      return [answers, service.pausesMs];
    };
    expect(await seenOf('nobody')).toEqual(await seenOf(USER.name));
  });

  it('are answered and slowed alike when the password is right, but the user may not log in', async () => {
    const seenOf = async (form: object) => {
      const service = rig();
      service.changeUser({ enabled: false });
      const answers: unknown[] = [];
      for (let n = 0; n < 6; n += 1) answers.push(await service.login({ ...form }));
      return [answers, service.pausesMs];
    };
    expect(await seenOf({})).toEqual(await seenOf(WRONG));
  });

  it('are refused at the limit of an address for every user there, and for none elsewhere', async () => {
    const service = rig();
    for (let n = 0; n < 8; n += 1) await service.login({ username: `guess-${n}`, ...WRONG });
    expect((await service.login()).status).toBe(429);
    service.clientAddress = '198.51.100.1';
    expect((await service.login()).status).toBe(200);
  });

  it('are told to logs by name only if there is such a user: another text may be a password', async () => {
    const service = rig();
    await service.login({ username: 'hunter2', ...WRONG });
    expect(service.answered.at(-1)).toMatchObject({ reason: 'unknown-user', clientAddress: '192.0.2.1' });
    await service.login(WRONG);
    expect(service.answered.at(-1)).toMatchObject({ reason: 'wrong-password', subject: USER.name });
    for (let n = 0; n < 5; n += 1) await service.login({ username: 'hunter2', ...WRONG });
    expect(service.lastReason).toBe('login-blocked');
    expect(JSON.stringify(service.answered)).not.toContain('hunter2');
  });
});

describe('clients of /credential that failed too often', () => {
  const ask = async (service: TokenService, password: string, username: string = USER.name) =>
    answerOf(
      await service.send({
        path: '/credential/jwt',
        headers: ['Content-Type', 'application/x-www-form-urlencoded', 'Authorization', basic(username, password)],
        body: 'grant_type=client_credentials',
      }),
    );

  it('are answered 429, and their failures count as those of the user do', async () => {
    const service = rig();
    for (let n = 0; n < 2; n += 1) expect((await ask(service, 'wrong')).status).toBe(401);
    for (let n = 0; n < 2; n += 1) expect((await service.login(WRONG)).status).toBe(400);
    expect(await ask(service, USER.password)).toMatchObject({ status: 429, headers: { 'retry-after': '300' } });
    expect((await service.login()).status).toBe(429);
  });

  it('are counted once where a Basic header reads in two ways', async () => {
    const service = rig();
    for (let n = 0; n < 4; n += 1) expect((await ask(service, 'one%20two')).status).toBe(401);
    expect((await ask(service, 'one%20two')).status).toBe(429);
  });
});

describe('secrets of proxies', () => {
  it('are answered 429 after too many wrong ones, of clients that exist and others alike', async () => {
    const seenOf = async (clientId: string) => {
      const service = rig();
      const answers: unknown[] = [];
      for (let n = 0; n < 6; n += 1) answers.push(await wrongSecret(service, clientId));
      return answers;
    };
    const known = await seenOf(CLIENT.id);
    expect(known.map((answer) => (answer as { status: number }).status)).toEqual([401, 401, 401, 401, 429, 429]);
    expect(await seenOf('nobody')).toEqual(known);
  });

  it('work as long as they are right, whatever was guessed', async () => {
    const service = rig({ grantType: 'CLIENT_CREDENTIALS' });
    for (let n = 0; n < 6; n += 1) await wrongSecret(service);
    expect((await service.post({ grant_type: 'client_credentials' })).status).toBe(200);
  });

  it('are not counted where the policy needs none', async () => {
    const service = rig({ requireClientSecret: false });
    for (let n = 0; n < 6; n += 1) expect((await service.login({ client_secret: 'wrong' })).status).toBe(200);
  });

  it('are counted at every endpoint', async () => {
    const service = rig();
    for (const path of ['/auth/introspect', '/auth/revoke', '/auth/introspect', '/auth/revoke']) {
      const body = new URLSearchParams({ client_id: CLIENT.id, client_secret: 'wrong', token: PROXY_ID }).toString();
      expect((await service.send({ path, body })).status).toBe(401);
    }
    expect((await wrongSecret(service)).status).toBe(429);
  });
});
