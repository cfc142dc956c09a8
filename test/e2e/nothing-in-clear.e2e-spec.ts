import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startEmbeddedPostgres, type RunningServer } from '#libs/embedded-servers';
import { textsOfDatabase, textsOfFiles, textsOfRedis } from '../support/everything-stored.ts';
import { GatewardenSystem, type ApiAnswer } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { openedVault } from '../support/opened-vault.ts';
import { findSecrets, formsOf, type ReadText } from '../support/secret-scan.ts';
import { TraceCollector } from '../support/trace-collector.ts';
import { requestToken } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const P = '/apiops/projects/demo';
const X = `${P}/apiProxies/orders`;
const secret = (): string => `s3cret/${randomBytes(15).toString('base64')}`;

describe('the search for secrets', () => {
  const hidden = 'päss/word+1234567890?';
  it('finds a secret in each form, in the middle of something longer', () => {
    const bytes = Buffer.from(`before ${hidden} after`);
    const texts = [
      ...[`before ${hidden} after`, JSON.stringify({ a: hidden }), encodeURIComponent(hidden)],
      ...[bytes.toString('base64'), bytes.subarray(1).toString('base64'), bytes.subarray(2).toString('base64url')],
      ...[bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
    ];
    const places = texts.map((text, index) => ({ place: `place ${index}`, text }));
    expect(findSecrets({ hidden }, places)).toHaveLength(texts.length);
    expect(findSecrets({ hidden }, [{ place: 'elsewhere', text: 'nothing of the kind' }])).toEqual([]);
    expect(formsOf(hidden).every((form) => form.length >= 12)).toBe(true);
  });

  it('finds bytes as they are in a file, and in each form of a text', () => {
    const key = randomBytes(32);
    const around = (offset: number) => Buffer.concat([randomBytes(offset), key, randomBytes(5)]);
    const texts = [around(7).toString('latin1'), around(1).toString('hex'), key.toString('hex').toUpperCase()];
    for (const offset of [3, 4, 5]) texts.push(around(offset).toString('base64'), around(offset).toString('base64url'));
    const places = texts.map((text, index) => ({ place: `place ${index}`, text }));
    expect(findSecrets({ key }, places)).toHaveLength(texts.length);
    expect(findSecrets({ key }, [{ place: 'elsewhere', text: randomBytes(500).toString('latin1') }])).toEqual([]);
  });
});

describe('a whole system, after every kind of secret was used', () => {
  const secrets: Record<string, string | Buffer> = {};
  /** None of theirs: it is put where nothing may be found, to see that it is. */
  const planted = secret();
  const answers: ReadText[] = [];
  const startedMs = Date.now();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-secrets-'));
  let system: GatewardenSystem;
  /** A server of its own, whose files hold nothing of other tests. */
  let cluster: RunningServer;
  const collector = new TraceCollector();
  let redisUser = '';

  const keep = (name: string, value: unknown): string => {
    secrets[name] = String(value);
    return String(value);
  };
  const made = (name: string): string => keep(name, secret());
  async function call(
    method: string,
    at: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> {
    const answer = await system.api(method, at, body, headers);
    answers.push({ place: `answer to ${method} ${at}`, text: JSON.stringify(answer.body) });
    return answer;
  }
  /** Whose answer shows a secret by right: it is not kept for the search. */
  async function shown(method: string, at: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await system.api(method, at, body, headers);
    if (answer.status !== 200) throw new Error(`${method} ${at}: ${JSON.stringify(answer.body)}`);
    return answer.body.resultList?.[0] ?? answer.body;
  }
  async function done(method: string, at: string, body?: unknown): Promise<ApiAnswer['body']> {
    const answer = await call(method, at, body);
    if (answer.status !== 200) throw new Error(`${method} ${at}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  const gatewayUrl = (index = 0) => system.gateway('production', index).url;

  async function useOfOperators(): Promise<void> {
    const token = { name: 'robot', permissions: ['VIEW'], projects: ['*'], expiresAt: null };
    const key = { 'idempotency-key': 'make-robot' };
    const robot = keep('access token of apiops', (await shown('POST', '/apiops/tokens/', token, key)).token);
    await call('POST', '/apiops/tokens/', token, key);
    const session = await fetch(`${system.controlPlaneUrl}/apiops/auth/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'robot', client_secret: robot }),
    });
    const { access_token: signedIn } = (await session.json()) as { access_token: string };
    keep('sign-in session', signedIn);
    const headers = { authorization: `Bearer ${signedIn}` };
    await fetch(`${system.controlPlaneUrl}/apiops/projects/?token=${encodeURIComponent(signedIn)}`, { headers });
    const redis = new URL(system.environment('production').redis.url);
    const client = new Redis(redis.href);
    await client.call('ACL', 'SETUSER', 'second', 'on', `>${redisUser}`, '~*', '&*', '+@all');
    client.disconnect();
    const redisUrl = `redis://second:${encodeURIComponent(redisUser)}@${redis.host}`;
    keep('second gateway key', (await shown('POST', '/apiops/environments/', { name: 'second', redisUrl })).gatewayKey);
    keep('new gateway key', (await shown('POST', '/apiops/environments/production/keys/')).gatewayKey);
    await call('POST', '/apiops/environments/', {
      name: 'bad',
      redisUrl: `rediss://u:${made('refused Redis password')}@[`,
    });
  }

  async function useOfTenants(): Promise<void> {
    await done('POST', '/apiops/projects/', { name: 'demo' });
    const body = proxyBody('orders', '/orders', system.upstreamUrl, ['production']);
    const pair = await shown('POST', `${P}/apiProxies/url/`, body);
    keep('client secret', pair.secretKey);
    const { secretKey } = { secretKey: made('chosen client secret') };
    await call('PATCH', `${X}/settings/keys/`, { secretKey });
    const variable = (name: string) => ({ global: true, globalValue: made(name) });
    await done('POST', `${P}/environmentVariables/private.key/`, variable('private variable'));
    await done('PUT', `${P}/environmentVariables/private.key/`, variable('changed private variable'));
    await call('POST', `${P}/environmentVariables/private.bad/`, { ...variable('refused variable'), global: 'no' });
    const own = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const passphrase = made('password of a key');
    const plain = own.export({ format: 'pem', type: 'pkcs8' });
    keep('lines of a PEM', plain.toString().split('\n')[5]);
    keep('private number', own.export({ format: 'jwk' }).d);
    const content = own.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase });
    const pem = { sourceType: 'PEM', content: content.toString(), password: passphrase };
    await done('POST', `${P}/jwks/`, { name: 'own', description: '', ...pem });
    for (const kind of [
      { type: 'EC', ec: { curveType: 'P256' } },
      { type: 'OCT', oct: { keySize: 256 } },
    ]) {
      await done('POST', `${P}/jwks/generate`, { name: `made-${kind.type}`, ...kind });
    }
    const files = path.join(
      import.meta.dirname,
      '../../apps/control-plane/src/key-stores/import/testing/openssl-files',
    );
    const p12 = readFileSync(path.join(files, 'ec.aes.p12')).toString('base64');
    await done('POST', `${P}/jwks/`, { name: 'p12', sourceType: 'PKCS12', content: p12, password: 'pa55word' });
    const oct = { kty: 'oct', alg: 'HS256', k: randomBytes(32).toString('base64url') };
    keep('oct key', oct.k);
    await done('POST', `${P}/jwks/`, { name: 'oct', sourceType: 'JWK', content: JSON.stringify(oct) });
    await call('POST', `${P}/jwks/`, {
      name: 'bad',
      sourceType: 'PEM',
      content: made('refused PEM'),
      password: made('refused password'),
    });
    await call(
      'POST',
      `${X}/policies/literal/`,
      policyBody(
        { type: 'policy-verify-jwt', algorithm: ['HS256'], secretKey: made('secret in the wrong member') },
        [],
      ),
    );
    // Its answer names the member, since it says what is wrong with which one.
    await system.api(
      'POST',
      `${X}/policies/literal/`,
      policyBody({ type: 'policy-auth-jwt', [made('secret as a name')]: 1 }, []),
    );
    await call('POST', `${P}/credentials/`, `{"username":"x","password":"${made('password in broken JSON')}`);
    const address = `http://user:${encodeURIComponent(made('password in an address'))}@127.0.0.1/`;
    await call('POST', `${P}/apiProxies/url/`, proxyBody('bad', '/bad', address));
    const check = { type: 'policy-verify-jwt', algorithm: ['HS256'], secretKey: { ref: 'private.key' } };
    await done('POST', `${P}/apiProxies/url/`, proxyBody('checked', '/checked', system.upstreamUrl));
    await done('POST', `${P}/apiProxies/checked/policies/check/`, policyBody(check, ['production']));
    await done('POST', `${X}/policies/issue/`, policyBody(authJwtPolicy({ allowUrlParameters: true }), ['production']));
  }

  async function useOfClients(clientId: string): Promise<void> {
    const ann = { username: 'ann', email: 'ann@example.org', fullName: 'ann', roleNameList: [] };
    const changed = made('changed password of a user');
    await done('POST', `${P}/credentials/`, { ...ann, password: made('password of a user') });
    await done('PATCH', `${P}/credentials/ann/`, { password: changed });
    const client = { client_id: clientId, client_secret: String(secrets['chosen client secret']) };
    const login = { grant_type: 'password', username: 'ann', password: changed, ...client };
    const first = await until('ann may log in', async () => {
      const answer = await requestToken(gatewayUrl(), login);
      return answer.status === 200 ? answer.body : undefined;
    });
    keep('first access token', first.access_token);
    keep('first refresh token', first.refresh_token);
    const next = await requestToken(gatewayUrl(1), {
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token,
      ...client,
    });
    keep('access token', next.body.access_token);
    keep('refresh token', next.body.refresh_token);
    const headers = { authorization: `Bearer ${next.body.access_token}`, cookie: `id=${made('cookie')}` };
    for (const [url, sent] of [
      [`${gatewayUrl()}/orders/7`, headers],
      [`${gatewayUrl(1)}/orders/7?access_token=${next.body.access_token}`, {}],
      [`${gatewayUrl()}/checked/7`, { authorization: `Bearer ${made('bad bearer')}` }],
      [`${gatewayUrl()}/nowhere?password=${encodeURIComponent(made('password in a query'))}`, {}],
      [
        `${gatewayUrl()}/auth/jwt?${new URLSearchParams({ ...login, password: made('password of a login by GET') }).toString()}`,
        {},
      ],
    ] as const) {
      const answer = await fetch(url, { headers: sent });
      if (answer.status !== 200)
        answers.push({ place: `refusal of ${new URL(url).pathname}`, text: await answer.text() });
    }
    const wrong = await requestToken(gatewayUrl(), { ...login, password: made('wrong password') });
    answers.push({ place: 'refused login', text: JSON.stringify(wrong.body) });
    const reused = await requestToken(gatewayUrl(), {
      grant_type: 'refresh_token',
      refresh_token: made('made-up refresh token'),
      ...client,
    });
    answers.push({ place: 'refused refresh', text: JSON.stringify(reused.body) });
    const form = new URLSearchParams({ token: first.access_token, ...client });
    await fetch(`${gatewayUrl()}/auth/revoke`, { method: 'POST', body: form });
  }

  beforeAll(async () => {
    redisUser = made('password of an environment’s Redis');
    const otel = made('header of the trace collector');
    chmodSync(directory, 0o711);
    cluster = await startEmbeddedPostgres({ dataDir: path.join(directory, 'postgresql'), durable: false });
    const pool = new pg.Pool({ connectionString: cluster.url });
    // The server may end before the last connection has.
    pool.on('error', () => undefined);
    system = await GatewardenSystem.start(['production'], {
      database: { url: cluster.url, pool, drop: () => pool.end() },
      ...{ gatewaysEach: 2, deployers: 1, settings: { LOG_LEVEL: 'trace' } },
      gatewaySettings: {
        ...{ LOG_LEVEL: 'trace', ACCESS_LOG_SAMPLE_RATE: '1', OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start() },
        OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${encodeURIComponent(otel)}`,
      },
    });
    keep('ADMIN_TOKEN', system.adminToken);
    const masterKey = Buffer.from(keep('MASTER_KEY', system.masterKeyText), 'base64');
    secrets['bytes of MASTER_KEY'] = masterKey;
    keep('GATEWAY_KEY', system.environment('production').gatewayKey);
    const databasePassword = new URL(system.database.url).password;
    if (databasePassword.length > 11) keep('password of the database', databasePassword);
    await useOfOperators();
    await useOfTenants();
    const { resultList } = await done('GET', `${X}/settings/keys/`);
    await useOfClients(resultList[0].publicKey);
    // Those that nobody chose, too: keys of environments, of policies, of the vault itself.
    const known = new Set(Object.values(secrets));
    for (const [name, value] of Object.entries(await openedVault(pool, masterKey))) {
      if (!known.has(value)) secrets[name] = value;
    }
  }, 180_000);
  afterAll(async () => {
    await system.stop();
    await system.database.drop();
    await cluster.stop();
    await collector.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  /** The search finds nothing, but finds what is planted there. */
  function expectNothing(texts: readonly ReadText[], places: readonly ReadText[] = texts.slice(0, 1)): void {
    expect(texts.length).toBeGreaterThan(0);
    expect(findSecrets(secrets, texts)).toEqual([]);
    const [name = '', value = ''] = Object.entries(secrets).find(([, one]) => typeof one === 'string') ?? [];
    for (const { place, text } of places)
      expect(findSecrets(secrets, [{ place, text: `${text}${String(value)}` }])).toEqual([`${name} in ${place}`]);
  }

  it('has used more than fifty of them, and those that it made itself are known', () => {
    expect(Object.keys(secrets).length).toBeGreaterThan(50);
    for (const kind of ['data key vault-1', 'root-key ', 'signing-key ', 'key-store ', 'proxy-key ', 'password ']) {
      expect([kind, Object.keys(secrets).some((name) => name.startsWith(kind))]).toEqual([kind, true]);
    }
    expect(Object.entries(secrets).filter(([, value]) => value.length < 12 || value === 'undefined')).toEqual([]);
  });

  it('holds none in clear in any column of any table', async () => {
    const { pool } = system.database;
    expectNothing(await textsOfDatabase(pool));
    await pool.query('create table planted (some_bytes bytea)');
    await pool.query('insert into planted values ($1)', [Buffer.from(`.${planted}`)]);
    expect(findSecrets({ planted }, await textsOfDatabase(pool))).toEqual([
      'planted in table public.planted.some_bytes',
    ]);
    await pool.query('drop table planted');
  }, 60_000);

  it('holds none in clear in any key of any Redis', async () => {
    for (const { url } of [system.queue, system.environment('production').redis]) {
      const redis = new Redis(url);
      expectNothing(await textsOfRedis(redis));
      await redis.hset('planted', 'field', Buffer.from(`.${planted}`).toString('base64url'));
      expect(findSecrets({ planted }, await textsOfRedis(redis))).toEqual(['planted in Redis key planted']);
      await redis.del('planted');
      redis.disconnect();
    }
  }, 60_000);

  it('answers with none: no GET of the OpenAPI document, no page, no metric, no refusal', async () => {
    const document = (await (await fetch(`${system.controlPlaneUrl}/apiops/openapi`)).json()) as {
      paths: Record<string, object>;
    };
    const names: Readonly<Record<string, string>> = {
      ...{ projectName: 'demo', apiProxyName: 'orders', policyName: 'issue' },
    };
    const known: Readonly<Record<string, string>> = {
      env: 'production',
      environment: 'production',
      username: 'ann',
      user: 'ann',
    };
    const filled = (at: string): string =>
      at.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
        const byWord = Object.entries(known).find(([word]) => name.toLowerCase().startsWith(word))?.[1];
        const names2 = at.includes('/jwks/') ? 'own' : at.includes('Variables') ? 'private.key' : '1';
        return names[name] ?? byWord ?? names2;
      });
    const readable = Object.entries(document.paths).flatMap(([at, methods]) =>
      'get' in methods && !at.endsWith('/stream') ? [filled(at)] : [],
    );
    expect(readable.length).toBeGreaterThan(25);
    const headers = { authorization: `Bearer ${system.adminToken}` };
    const pages = [
      '/apiops/docs',
      '/apiops/openapi',
      '/apiops/queues',
      '/apiops/queues/api/queues',
      '/metrics',
      '/healthz',
      '/readyz',
    ];
    const admin = system.allGateways.flatMap(({ adminUrl }) =>
      ['/metrics', '/config', '/healthz', '/readyz'].map((at) => adminUrl + at),
    );
    const query = '?environmentName=production&from=1&to=2';
    let found = 0;
    for (const url of [
      ...readable.map((at) => `${system.controlPlaneUrl}${at}${query}`),
      ...pages.map((at) => system.controlPlaneUrl + at),
      ...admin,
    ]) {
      const answer = await fetch(url, { headers });
      if (answer.status === 200) found += 1;
      answers.push({ place: `GET ${url}`, text: `${JSON.stringify([...answer.headers])} ${await answer.text()}` });
    }
    expect(found).toBeGreaterThan(30);
    expectNothing(answers);
  }, 60_000);

  it('shows none in the arguments of its processes', () => {
    const programs = [
      system.controlPlane,
      ...system.deployers.map(({ program }) => program),
      ...system.allGateways.map(({ program }) => program),
    ];
    expectNothing(
      programs.map(({ pid }) => ({ place: `arguments of ${pid}`, text: readFileSync(`/proc/${pid}/cmdline`, 'utf8') })),
    );
  });

  it('writes none into a line of its logs, at level trace, nor when it is stopped', async () => {
    const programs = {
      'control plane': system.controlPlane,
      deployer: system.deployers[0]?.program,
      gateway: system.gateway('production', 1).program,
    };
    await system.gateway('production', 1).program.signal('SIGTERM');
    expectNothing([
      ...Object.entries(programs).map(([place, program]) => ({
        place: `log of ${place}`,
        text: program?.output ?? '',
      })),
      { place: 'log of gateway 1', text: system.gateway('production').program.output },
    ]);
    expect(system.controlPlane.output.length).toBeGreaterThan(1_000);
  });

  it('keeps none in clear in a file of PostgreSQL: tables, the write-ahead log, its log', async () => {
    const { pool } = system.database;
    const plant = `planted-${planted}`;
    const pgdata = (await pool.query<{ data_directory: string }>('show data_directory')).rows[0]?.data_directory ?? '';
    await pool.query('checkpoint');
    const files = textsOfFiles(pgdata, startedMs);
    expect(files.map(({ place }) => place)).toEqual(
      expect.arrayContaining([expect.stringContaining('pg_wal/'), expect.stringContaining('base/')]),
    );
    expectNothing(files);
    await pool.query('create table planted (text text)');
    await pool.query('insert into planted values ($1)', [plant]);
    await pool.query('checkpoint');
    const found = findSecrets({ planted }, textsOfFiles(pgdata, startedMs));
    for (const place of ['pg_wal/', 'base/']) expect(found.join()).toContain(place);
    await pool.query('drop table planted');
  }, 120_000);

  it('sends none to the collector of traces', async () => {
    await until('spans have come', async () => collector.bodies.length > 0);
    expectNothing([{ place: 'what the collector got', text: collector.bodies.join('\n') }]);
  });

  it('keeps none in clear in a file: data directories, snapshots, append-only files', () => {
    const root = path.dirname(system.redisDirectory('queue'));
    // What Redis itself is told of its users' passwords by this test is a hash there; its append-only file holds no ACL.
    const files = textsOfFiles(root);
    expect(files.map(({ place }) => place)).toEqual(
      expect.arrayContaining([expect.stringContaining('snapshots/production-1')]),
    );
    expectNothing(files);
    const elsewhere = path.join(directory, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(path.join(elsewhere, 'planted'), secrets['MASTER_KEY'] ?? '');
    expect(findSecrets(secrets, textsOfFiles(elsewhere))).toEqual([
      'MASTER_KEY in file planted',
      'bytes of MASTER_KEY in file planted',
    ]);
    writeFileSync(path.join(elsewhere, 'planted'), secrets['bytes of MASTER_KEY'] ?? '');
    expect(findSecrets(secrets, textsOfFiles(elsewhere))).toEqual(['bytes of MASTER_KEY in file planted']);
  });
});
