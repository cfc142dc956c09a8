import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FakeGateway } from './testing/fake-gateway.ts';
import { METADATA, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const P = '/projects/shop';
const X = `${P}/apiProxies/orders`;
const PASSWORD = `pass-${randomBytes(12).toString('hex')}`;
const FILES = new URL('../src/key-stores/import/testing/openssl-files/', import.meta.url);

let plane: RunningControlPlane;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  environment = await plane.environment();
  await FakeGateway.admitted(plane.redis, environment);
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('orders'));
});
afterAll(() => plane.close());

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'] as const;
const SHORTEST_LINE = 40;

/** Every way in which a private number or a line of a file may turn up somewhere. */
function formsOf(key: KeyObject, content: string): string[] {
  const jwk = key.export({ format: 'jwk' }) as Readonly<Record<string, unknown>>;
  const numbersOf = (names: readonly string[]): string[] =>
    names.flatMap((name) => (typeof jwk[name] === 'string' ? [jwk[name]] : []));
  const numbers = numbersOf(PRIVATE_MEMBERS);
  const bytes = numbers.map((text) => Buffer.from(text, 'base64url'));
  const files = ['pkcs8', 'pkcs1', 'sec1'].flatMap((type) => {
    try {
      return key.export({ format: 'pem', type } as never) as unknown as string;
    } catch {
      return [];
    }
  });
  // A public number fills lines of a file, and where none of its characters is + or /, those lines stand in the public JWK.
  const published = numbersOf(['n', 'x', 'y']).map((text) => Buffer.from(text, 'base64url').toString('base64'));
  const isPublic = (line: string): boolean => published.some((text) => text.includes(line));
  const lines = [content, ...files]
    .flatMap((text) => text.split(/\s+/))
    .filter((line) => line.length >= SHORTEST_LINE && !isPublic(line));
  return [...numbers, ...bytes.flatMap((one) => [one.toString('base64'), one.toString('hex')]), ...lines];
}

const pem = (key: KeyObject, options: object) =>
  key.export({ format: 'pem', ...options } as never) as unknown as string;
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = (namedCurve = 'prime256v1') => generateKeyPairSync('ec', { namedCurve }).privateKey;

/** Key stores by name: what is sent, and the key in it. */
function keysToSend(): Readonly<Record<string, { readonly key: KeyObject; readonly body: Record<string, unknown> }>> {
  const [signing, curve, pkcs1, encrypted] = [rsa(), ec('secp521r1'), rsa(), ec()];
  const p12 = readFileSync(new URL('ec.aes.p12', FILES)).toString('base64');
  return {
    jwk: { key: signing, body: { sourceType: 'JWK', content: JSON.stringify(signing.export({ format: 'jwk' })) } },
    sec1: { key: curve, body: { sourceType: 'PEM', content: pem(curve, { type: 'sec1' }) } },
    pkcs1: { key: pkcs1, body: { sourceType: 'PEM', content: pem(pkcs1, { type: 'pkcs1' }) } },
    encrypted: {
      key: encrypted,
      body: {
        sourceType: 'PEM',
        content: pem(encrypted, { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: PASSWORD }),
        password: PASSWORD,
      },
    },
    pkcs12: {
      key: createPrivateKey(readFileSync(new URL('ec.pkcs8.pem', FILES))),
      body: { sourceType: 'PKCS12', content: p12, password: 'pa55word' },
    },
  };
}

/** Every row of every table, as text. */
async function allRows(): Promise<string> {
  const tables = await plane.pool.query<{ name: string }>(
    `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  expect(tables.rows.length).toBeGreaterThan(10);
  const texts: string[] = [];
  for (const { name } of tables.rows) {
    const rows = await plane.pool.query<{ text: string }>(`select one::text as text from ${name} one`);
    texts.push(...rows.rows.map(({ text }) => text));
  }
  return texts.join('\n');
}

async function allOfRedis(): Promise<string> {
  const texts: string[] = [];
  for (const key of await plane.redis.keys(`*${environment.name}*`)) {
    texts.push(((await plane.redis.dumpBuffer(key)) ?? Buffer.alloc(0)).toString('latin1'));
    if ((await plane.redis.type(key)) === 'hash') texts.push(JSON.stringify(await plane.redis.hgetall(key)));
  }
  expect(texts.length).toBeGreaterThan(2);
  return texts.join('\n');
}

/** Every way out: what is stored, logged, measured and answered, exports and everything that can be read included. */
async function everythingShown(...further: readonly string[]): Promise<Readonly<Record<string, string>>> {
  for (const path of [
    ...[`${P}/jwks/`, `${P}/environmentVariables/`, ...further],
    ...[
      `${X}/`,
      `${X}/policies/`,
      `${X}/policies/issue/`,
      `${X}/events/`,
      `${X}/revisions/2/`,
      `${X}/diff/?from=1&to=2`,
    ],
    ...[`${X}/deploy-histories/`, `/environments/${environment.name}/`, `/environments/${environment.name}/queue/`],
  ]) {
    expect((await plane.call('GET', path)).status).toBe(200);
  }
  const headers = { authorization: `Bearer ${plane.adminToken}` };
  const exported = await plane.app.inject({ method: 'GET', url: '/apiops/audit/events/', headers });
  expect(exported.statusCode).toBe(200);
  const { body: metrics } = await plane.app.inject({ method: 'GET', url: '/metrics' });
  const [tables, redis] = [await allRows(), await allOfRedis()];
  const [answers, logs] = [plane.answers.join('\n'), plane.logLines.join('\n')];
  return { tables, redis, answers, logs, metrics, exported: exported.body };
}

/** Where a secret is shown; never the secret. */
const foundIn = (shown: Readonly<Record<string, string>>, secrets: readonly string[]): string[] =>
  Object.entries(shown).flatMap(([where, text]) => (secrets.some((secret) => text.includes(secret)) ? [where] : []));

const TO = () => ({ deploy: true, deployTargetEnvironmentNameList: [environment.name] });

describe('what is secret of a key', () => {
  it('is in no table, event, answer, export, log line or metric, and not in clear in Redis', async () => {
    const keys = keysToSend();
    for (const [name, { body }] of Object.entries(keys)) {
      await plane.done('POST', `${P}/jwks/`, { name, ...body });
      await plane.done('PUT', `${P}/jwks/${name}/`, { ...body, description: 'the same again' });
    }
    const issue = { jwtSignatureAlgorithm: 'RS256', keyStoreName: 'jwk' };
    await plane.done('POST', `${X}/policies/issue/`, policyBody(TO(), issue));
    await plane.done('POST', `${P}/jwks/jwk/rotate/`, { ...keys['pkcs1']?.body, retirePrevious: true });
    for (const { body } of Object.values(keys)) {
      // Refused, each for another reason.
      await plane.call('POST', `${P}/jwks/`, { name: 'a/b', ...body });
      await plane.call('POST', `${P}/jwks/`, { name: 'c', ...body, password: `${PASSWORD} not` });
      await plane.call('POST', `${P}/jwks/`, { name: 'd', ...body, sourceType: 'CERTIFICATE' });
      await plane.call('POST', `${P}/jwks/`, JSON.stringify(body).slice(0, -1));
    }
    const shown = await everythingShown(...Object.keys(keys).map((name) => `${P}/jwks/${name}/`));
    const sent = Object.values(keys);
    expect(
      foundIn(shown, [PASSWORD, ...sent.flatMap(({ key, body }) => formsOf(key, String(body['content'])))]),
    ).toEqual([]);
    // What is public of them is shown, so the search looks where keys are.
    const moduli = [keys['jwk'], keys['pkcs1']].map((one) => String(one?.key.export({ format: 'jwk' }).n));
    expect(foundIn(shown, moduli).sort()).toEqual(['answers', 'exported', 'tables']);
  });
});

describe('a variable that is not shown', () => {
  it('is in no table, event, answer, export, diff, log line or metric, and not in clear in Redis', async () => {
    const values = Array.from({ length: 5 }, () => `value-${randomBytes(16).toString('hex')}`);
    const at = `${P}/environmentVariables`;
    const of = (value = '', visible = false) => ({
      environmentValueList: [{ environmentName: environment.name, value, visible }],
    });
    await plane.done('POST', `${at}/private.key/`, { global: true, globalValue: values[0] });
    await plane.done('POST', `${at}/hidden/`, of(values[1]));
    const policy = {
      ...{ type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.key' } },
      forwardVariables: [{ variable: 'hidden', header: 'X-Hidden' }],
    };
    await plane.done('POST', `${X}/policies/check/`, { operationMetadata: { ...METADATA, ...TO() }, policy });
    await plane.done('PUT', `${at}/private.key/`, of(values[2], true));
    await plane.done('PUT', `${at}/hidden/`, { global: true, globalValue: values[3], globalVisible: false });
    await plane.call('PUT', `${at}/hidden/`, { ...of(values[4]), description: 1 });
    await plane.call('PUT', `${at}/hidden/`, `{"globalValue":"${values[4]}`);
    const rollback = await plane.call('POST', `${X}/revisions/2/rollback/`, {});
    expect(rollback.text).toContain('private.key');
    await plane.done('DELETE', `${at}/hidden/`);
    expect(foundIn(await everythingShown(`${at}/private.key/`), values)).toEqual([]);
  });

  it('is not lost by a PUT of what GET showed: that is refused', async () => {
    const at = `${P}/environmentVariables/kept/`;
    const hidden = [{ environmentName: environment.name, value: 'kept', visible: false }];
    await plane.done('POST', at, { environmentValueList: hidden });
    const [shown] = (await plane.done('GET', at)).resultList;
    const events = (await plane.events()).length;
    const answer = await plane.call('PUT', at, shown);
    expect([answer.status, answer.body.validation_errors?.map(({ field }) => field)]).toEqual([
      ...[400, ['environmentValueList[0].value']],
    ]);
    expect((await plane.events()).length).toBe(events);
  });
});
