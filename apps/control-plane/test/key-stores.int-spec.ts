import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CERTIFICATE, PASSWORD, PKCS12_AES, PKCS12_WITHOUT_KEY } from '../src/key-stores/import/testing/key-files.ts';
import { KeyWork } from '../src/key-stores/key-work.ts';
import * as apiFacts from '../src/key-stores/key-stores.api.ts';
import type { ApiCallFacts } from '../src/http/api-call.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const JWKS = '/projects/shop/jwks';

let plane: RunningControlPlane;
let east: string;
let west: string;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  [east, west] = [(await plane.environment()).name, (await plane.environment()).name];
  await plane.done('POST', '/projects/', { name: 'shop' });
});
afterAll(() => plane.close());

let names = 0;
const newName = (): string => `key-${(names += 1)}`;
const pem = (key: KeyObject, options: object) =>
  key.export({ format: 'pem', ...options } as never) as unknown as string;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = (namedCurve = 'prime256v1') => generateKeyPairSync('ec', { namedCurve });
const jwkText = (members: object = {}, { privateKey } = ec()) =>
  JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...members });
const pkcs8 = (key = ec().privateKey) => pem(key, { type: 'pkcs8' });

interface KeyView {
  readonly environmentName: string | null;
  readonly kid: string;
  readonly alg: string | null;
  readonly publicJwk: Record<string, unknown> | null;
  readonly nextKeyList: readonly KeyView[];
  readonly previousKeyList: readonly KeyView[];
}
type Answer = Awaited<ReturnType<RunningControlPlane['done']>>;
const keysIn = (answer: Answer): readonly KeyView[] => answer.resultList[0]?.['keyList'] as KeyView[];
const firstKey = (answer: Answer): KeyView => {
  const [key] = keysIn(answer);
  if (key === undefined) throw new Error('no key');
  return key;
};
const warned = (answer: Answer): string[] => (answer.warnings ?? []).map(({ field }) => field);
const faultsOf = async (...call: Parameters<RunningControlPlane['call']>) => {
  const answer = await plane.call(...call);
  const faults = answer.body.validation_errors ?? [];
  return [answer.status, ...faults.map(({ field, code }) => `${field} ${code}`)];
};
const generate = (name: string, members: object = {}) =>
  plane.done('POST', `${JWKS}/generate`, { name, type: 'EC', ec: { curveType: 'P256' }, ...members });
const read = (name: string) => plane.done('GET', `${JWKS}/${name}/`);

/** A proxy whose policy `issue` names a key. */
async function proxyWith(keyStoreName: string, metadata: object = {}, policy: object = {}): Promise<string> {
  const proxy = `proxy-${(names += 1)}`;
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(proxy));
  await plane.done(
    'POST',
    `/projects/shop/apiProxies/${proxy}/policies/issue/`,
    policyFor(keyStoreName, metadata, policy),
  );
  return proxy;
}
const policyFor = (keyStoreName: string, metadata: object = {}, policy: object = {}) =>
  policyBody(metadata, { jwtSignatureAlgorithm: 'ES256', keyStoreName, ...policy });
const at = (proxy: string) => `/projects/shop/apiProxies/${proxy}/policies/issue/`;

describe('POST P/jwks/', () => {
  it.each([
    [
      'JWK, private',
      { sourceType: 'JWK', content: jwkText({ kid: 'mine' }) },
      { kid: 'mine', kty: 'EC', crv: 'P-256' },
    ],
    ['JWK, a set', { sourceType: 'JWK', content: `{"keys":[${jwkText()}]}` }, { kty: 'EC', hasPrivateKey: true }],
    ['JWK, oct', { sourceType: 'JWK', content: '{"kty":"oct","k":"c2VjcmV0"}' }, { kty: 'oct', publicJwk: null }],
    ['JWK beside an empty password', { sourceType: 'JWK', content: jwkText(), password: '' }, { kty: 'EC' }],
    ['JWK with alg', { sourceType: 'JWK', content: jwkText({ alg: 'ES256' }) }, { alg: 'ES256' }],
    ['PEM, RSA', { sourceType: 'PEM', content: pkcs8(rsa.privateKey) }, { kty: 'RSA', keySize: 2048, crv: null }],
    [
      'PEM, encrypted',
      {
        sourceType: 'PEM',
        content: pem(ec().privateKey, { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'pass' }),
        password: 'pass',
      },
      { hasPrivateKey: true },
    ],
    ['PEM, public', { sourceType: 'PEM', content: pem(rsa.publicKey, { type: 'spki' }) }, { hasPrivateKey: false }],
    ['CERTIFICATE', { sourceType: 'CERTIFICATE', content: CERTIFICATE }, { kty: 'EC', hasPrivateKey: false }],
    ['PKCS12', { sourceType: 'PKCS12', content: PKCS12_AES, password: PASSWORD }, { kty: 'EC', hasPrivateKey: true }],
    ['a kid of its own', { sourceType: 'JWK', content: jwkText({ kid: 'a' }), kid: 'given' }, { kid: 'given' }],
  ])('takes %s', async (_what, body, view) => {
    const name = newName();
    const answer = await plane.done('POST', `${JWKS}/`, { name, ...body });
    expect(firstKey(answer)).toMatchObject({ environmentName: null, use: 'sig', ...view });
    expect((await read(name)).resultList).toEqual(answer.resultList);
  });

  it('names a key without kid by its thumbprint, and a secret by something that tells nothing of it', async () => {
    const imported = await plane.done('POST', `${JWKS}/`, { name: newName(), sourceType: 'JWK', content: jwkText() });
    expect(firstKey(imported)).toMatchObject({ kid: expect.stringMatching(/^[\w-]{43}$/) as string });
    expect(firstKey(imported).kid).toBe((firstKey(imported) as unknown as { thumbprint: string }).thumbprint);
    const secret = { name: newName(), sourceType: 'JWK', content: '{"kty":"oct","k":"c2VjcmV0"}' };
    expect(firstKey(await plane.done('POST', `${JWKS}/`, secret))).toMatchObject({
      ...{ kid: expect.stringMatching(/^[\da-f]{8}-/) as string, thumbprint: null, publicJwk: null },
    });
  });

  const good = { name: 'good', sourceType: 'JWK', content: jwkText() };
  it.each<[string, object | undefined, string[]]>([
    ['no body', undefined, ['body required']],
    ['an empty one', {}, ['name required', 'sourceType required', 'content required']],
    ['a bad name', { ...good, name: 'a/b' }, ['name invalid']],
    ['an unknown source', { ...good, sourceType: 'URL' }, ['sourceType invalid_value']],
    ['content that is no text', { ...good, content: { kty: 'EC' } }, ['content wrong_type']],
    ['too much content', { ...good, content: 'x'.repeat(100_001) }, ['content out_of_range']],
    ['a bad kid', { ...good, kid: 'ä' }, ['kid invalid']],
    ['a member that nobody knows', { ...good, secret: 1 }, ['secret unknown_field']],
    ['a password for nothing', { ...good, password: 'x' }, ['password invalid']],
    [
      'an unknown environment',
      { ...good, environmentNameList: ['nowhere'] },
      ['environmentNameList[0] unknown_environment'],
    ],
    ['content that is no key', { ...good, content: 'hunter2' }, ['content KeyParsingFailed']],
    [
      'a weak key',
      { ...good, sourceType: 'PEM', content: pkcs8(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey) },
      ['content InvalidPublicKey'],
    ],
    [
      'another curve',
      { ...good, sourceType: 'PEM', content: pkcs8(ec('secp256k1').privateKey) },
      ['content InvalidCurve'],
    ],
    [
      'another kind',
      { ...good, sourceType: 'PEM', content: pkcs8(generateKeyPairSync('ed25519').privateKey) },
      ['content WrongKeyType'],
    ],
    ['an alg that the key cannot do', { ...good, content: jwkText({ alg: 'RS256' }) }, ['content WrongAlgorithm']],
    ['a JWK kid that is empty', { ...good, content: jwkText({ kid: '' }) }, ['content invalid']],
    ['halves of two keys', { ...good, content: halvesOfTwo() }, ['content InvalidPrivateKey']],
    [
      'PKCS12 and a wrong password',
      { ...good, sourceType: 'PKCS12', content: PKCS12_AES, password: 'no' },
      ['password wrong_password'],
    ],
    [
      'PKCS12 without a key',
      { ...good, sourceType: 'PKCS12', content: PKCS12_WITHOUT_KEY, password: PASSWORD },
      ['content InvalidPrivateKey'],
    ],
  ])('refuses %s', async (_what, body, faults) => {
    expect(await faultsOf('POST', `${JWKS}/`, body)).toEqual([400, ...faults]);
    expect((await plane.call('GET', `${JWKS}/good/`)).status).toBe(404);
  });

  it('refuses a name that is taken, and a project that is not there', async () => {
    const name = newName();
    await generate(name);
    const again = await plane.call('POST', `${JWKS}/`, { ...good, name });
    expect([again.status, again.body.error_description]).toEqual([409, `JWK (name: ${name}) already exists`]);
    expect((await plane.call('POST', '/projects/nowhere/jwks/', good)).status).toBe(404);
  });

  it('warns of a key that signs in several environments, and of one that cannot sign', async () => {
    const warningsFor = async (members: object) =>
      warned(await plane.done('POST', `${JWKS}/`, { ...good, ...members, name: newName() }));
    expect(await warningsFor({})).toEqual(['environmentNameList']);
    expect(await warningsFor({ environmentNameList: [east] })).toEqual([]);
    expect(await warningsFor({ environmentNameList: [east, west] })).toEqual(['environmentNameList']);
    expect(await warningsFor({ sourceType: 'CERTIFICATE', content: CERTIFICATE })).toEqual(['content']);
  });
});

/** A JWK whose n is another key's: OpenSSL takes it. */
function halvesOfTwo(): string {
  const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  return JSON.stringify({ ...rsa.privateKey.export({ format: 'jwk' }), n });
}

/** What lasts until it is let go. */
function held() {
  let letGo = (): void => undefined;
  const ended = new Promise<void>((resolve) => (letGo = resolve));
  return { work: () => ended, letGo };
}

describe('reading and making keys', () => {
  it('is done for one call of a project at a time; 503 for more than 30 that wait, and other projects go on', async () => {
    await plane.done('POST', '/projects/', { name: 'greedy' });
    await plane.done('POST', '/projects/', { name: 'modest' });
    const made = (P: string) => {
      const body = { name: newName(), type: 'EC', ec: { curveType: 'P256' } };
      return plane.call('POST', `/projects/${P}/jwks/generate`, body);
    };
    const { work, letGo } = held();
    const first = plane.app.get(KeyWork).call('greedy', work);
    const calls = Array.from({ length: 31 }, () => made('greedy'));
    expect((await Promise.race(calls)).body).toMatchObject({ error: 'unavailable' });
    expect((await made('modest')).status).toBe(200);
    letGo();
    await first;
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect([200, 503].map((status) => statuses.filter((one) => one === status).length)).toEqual([30, 1]);
  });
});

describe('POST P/jwks/generate', () => {
  it.each([
    ['RSA', { type: 'RSA', rsa: { keySize: 3072 } }, { kty: 'RSA', keySize: 3072, alg: null }],
    ['RSA of 4096 bits', { type: 'RSA', rsa: { keySize: 4096 } }, { kty: 'RSA', keySize: 4096 }],
    ['RSA256', { type: 'RSA', rsa: { keySize: 2048, algorithm: 'RSA256' } }, { alg: 'RS256' }],
    ['RS384', { type: 'RSA', rsa: { keySize: 2048, algorithm: 'RS384' } }, { alg: 'RS384' }],
    ['P256', { type: 'EC', ec: { curveType: 'P256' } }, { kty: 'EC', crv: 'P-256', alg: null }],
    ['P521', { type: 'EC', ec: { curveType: 'P521' } }, { kty: 'EC', crv: 'P-521', alg: null }],
    ['OCT of 256 bits', { type: 'OCT', oct: { keySize: 256 } }, { kty: 'oct', keySize: 256, publicJwk: null }],
    ['OCT of 384 bits', { type: 'OCT', oct: { keySize: 384, algorithm: 'HS384' } }, { keySize: 384, alg: 'HS384' }],
    ['P384', { type: 'EC', ec: { curveType: 'P384', algorithm: 'ES384' } }, { kty: 'EC', crv: 'P-384', alg: 'ES384' }],
    ['OCT', { type: 'OCT', oct: { keySize: 512 }, kid: 'k' }, { kty: 'oct', keySize: 512, kid: 'k', publicJwk: null }],
  ])('makes %s', async (_what, body, view) => {
    const answer = await plane.done('POST', `${JWKS}/generate`, { name: newName(), ...body });
    expect(firstKey(answer)).toMatchObject({ hasPrivateKey: true, previousKeyList: [], ...view });
  });

  it('makes a key of its own for each environment', async () => {
    const keys = keysIn(await generate(newName(), { environmentNameList: [east, west] }));
    expect(keys.map((key) => key.environmentName)).toEqual([east, west]);
    expect(keys[0]?.publicJwk?.['x']).not.toBe(keys[1]?.publicJwk?.['x']);
  });

  const base = { name: 'never', type: 'EC', ec: { curveType: 'P256' } };
  it.each<[string, object, string[]]>([
    ['OKP by name', { name: 'never', type: 'OKP', okp: {} }, ['type not_supported']],
    ['SECP256K1 by name', { ...base, ec: { curveType: 'SECP256K1' } }, ['ec.curveType not_supported']],
    ['an unknown type', { ...base, type: 'DSA' }, ['type invalid_value']],
    ['a type without its member', { name: 'never', type: 'RSA' }, ['rsa required']],
    ['the member of another type', { ...base, oct: { keySize: 256 } }, ['oct invalid']],
    ['a weak size', { name: 'never', type: 'RSA', rsa: { keySize: 1024 } }, ['rsa.keySize invalid_value']],
    ['no size', { name: 'never', type: 'OCT', oct: {} }, ['oct.keySize required']],
    [
      'an algorithm of another curve',
      { ...base, ec: { curveType: 'P256', algorithm: 'ES512' } },
      ['ec.algorithm invalid'],
    ],
    [
      'a secret too short for it',
      { name: 'never', type: 'OCT', oct: { keySize: 256, algorithm: 'HS512' } },
      ['oct.algorithm invalid'],
    ],
    [
      'keys for encryption',
      { ...base, ec: { curveType: 'P256', keyUseType: 'ENCRYPTION' } },
      ['ec.keyUseType not_supported'],
    ],
    [
      'an end that nobody would keep',
      { ...base, ec: { curveType: 'P256', expirationTime: '2031-01-01T00:00:00Z' } },
      ['ec.expirationTime not_supported'],
    ],
    ['an unknown environment', { ...base, environmentNameList: [''] }, ['environmentNameList[0] out_of_range']],
  ])('refuses %s', async (_what, body, faults) => {
    expect(await faultsOf('POST', `${JWKS}/generate`, body)).toEqual([400, ...faults]);
  });

  it('says which members have no effect, and when no policy can use the key', async () => {
    const oct = { keySize: 128, keyIdType: 'TIMESTAMP', passwordSaltLength: 8 };
    const answer = await plane.done('POST', `${JWKS}/generate`, { name: newName(), type: 'OCT', oct });
    expect(warned(answer)).toEqual(['oct.keyIdType', 'oct.passwordSaltLength', 'environmentNameList', 'keySize']);
  });
});

describe('GET P/jwks/', () => {
  it('lists the keys of the project by name; an unknown one is a 404', async () => {
    await plane.done('POST', '/projects/', { name: 'listed' });
    for (const name of ['b', 'a']) {
      await plane.done('POST', '/projects/listed/jwks/generate', { name, type: 'OCT', oct: { keySize: 256 } });
    }
    const { resultList } = await plane.done('GET', '/projects/listed/jwks/');
    expect(resultList.map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await plane.call('GET', '/projects/listed/jwks/c/')).status).toBe(404);
    expect((await plane.call('GET', '/projects/nowhere/jwks/')).status).toBe(404);
  });
});

describe('PUT P/jwks/{name}/', () => {
  it('replaces everything by one key for all, and says that the old one is gone', async () => {
    const name = newName();
    const before = await generate(name, { environmentNameList: [east, west] });
    const body = { sourceType: 'PEM', content: pkcs8(), description: 'new' };
    const answer = await plane.done('PUT', `${JWKS}/${name}/`, body);
    expect(answer.resultList[0]).toMatchObject({ name, description: 'new' });
    expect(keysIn(answer)).toMatchObject([{ environmentName: null, previousKeyList: [] }]);
    expect(firstKey(answer).kid).not.toBe(firstKey(before).kid);
    expect(warned(answer)).toContain('content');
  });

  it('with environmentNameList leaves the keys of the others alone', async () => {
    const name = newName();
    const before = await generate(name, { environmentNameList: [east] });
    const body = { name, sourceType: 'PEM', content: pkcs8(), environmentNameList: [west] };
    const answer = await plane.done('PUT', `${JWKS}/${name}/`, body);
    const after = keysIn(answer);
    expect(after.map((key) => key.environmentName)).toEqual([east, west]);
    expect(after[0]).toEqual(firstKey(before));
    // There was none for this environment: none is gone.
    expect(warned(answer)).toEqual([]);
    expect(warned(await plane.done('PUT', `${JWKS}/${name}/`, { ...body, content: pkcs8() }))).toEqual(['content']);
  });

  it('says that an environment which shared the key of all has it no more', async () => {
    const name = newName();
    await generate(name);
    const body = { name, sourceType: 'PEM', content: pkcs8(), environmentNameList: [west] };
    expect(warned(await plane.done('PUT', `${JWKS}/${name}/`, body))).toEqual(['content']);
  });

  it('refuses another name, a key that is not there, and nothing to replace it with', async () => {
    const name = newName();
    await generate(name);
    const body = { sourceType: 'PEM', content: pkcs8() };
    expect(await faultsOf('PUT', `${JWKS}/${name}/`, { ...body, name: 'other' })).toEqual([400, 'name invalid']);
    expect((await plane.call('PUT', `${JWKS}/absent/`, body)).status).toBe(404);
    expect(await faultsOf('PUT', `${JWKS}/${name}/`, {})).toEqual([400, 'sourceType required', 'content required']);
  });
});

describe('POST P/jwks/{name}/rotate/', () => {
  it.each([
    ['RSA', { type: 'RSA', rsa: { keySize: 3072, algorithm: 'RS512' }, ec: null }],
    ['EC', { ec: { curveType: 'P521' } }],
    ['oct', { type: 'OCT', oct: { keySize: 384 }, ec: null }],
  ])('makes another key of the same kind: %s', async (_what, members) => {
    const name = newName();
    const before = firstKey(await generate(name, members));
    const after = firstKey(await plane.done('POST', `${JWKS}/${name}/rotate/`));
    const facts = ({ kty, keySize, crv, alg }: Record<string, unknown>) => ({ kty, keySize, crv, alg });
    const [next] = after.nextKeyList;
    expect(facts(next as never)).toEqual(facts(before as never));
    expect(next?.kid).not.toBe(before.kid);
    expect(after).toMatchObject({ kid: before.kid, publicJwk: before.publicJwk, previousKeyList: [] });
  });

  it('with retirePrevious keeps no key of the past, and warns of it', async () => {
    const name = newName();
    await generate(name, { kid: 'k-0' });
    const answer = await plane.done('POST', `${JWKS}/${name}/rotate/`, { kid: 'k-1', retirePrevious: true });
    expect(firstKey(answer)).toMatchObject({ kid: 'k-1', nextKeyList: [], previousKeyList: [] });
    expect(warned(answer)).toContain('retirePrevious');
  });

  it('takes a key that comes with it, and of the environments that are named only', async () => {
    const name = newName();
    const before = keysIn(await generate(name, { environmentNameList: [east, west] }));
    const body = { sourceType: 'JWK', content: jwkText({ kid: 'brought' }), environmentNameList: [west] };
    const after = keysIn(await plane.done('POST', `${JWKS}/${name}/rotate/`, body));
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).toMatchObject({ kid: before[1]?.kid, nextKeyList: [{ kid: 'brought' }] });
  });

  it('of keys under one kid makes different ones for different environments', async () => {
    const name = newName();
    await generate(name, { kid: 'same', environmentNameList: [east, west] });
    const rotated = keysIn(await plane.done('POST', `${JWKS}/${name}/rotate/`, { kid: 'other' }));
    const [one, other] = rotated.map(({ nextKeyList }) => nextKeyList[0]?.publicJwk?.['x']);
    expect(one).toEqual(expect.any(String));
    expect(one).not.toBe(other);
  });

  it('refuses what is no rotation', async () => {
    const [name, certified] = [newName(), newName()];
    await generate(name, { kid: 'k', environmentNameList: [east] });
    await plane.done('POST', `${JWKS}/`, { name: certified, sourceType: 'CERTIFICATE', content: CERTIFICATE });
    const faults = (body: object, of = name) => faultsOf('POST', `${JWKS}/${of}/rotate/`, body);
    expect(await faults({ kid: 'k' })).toEqual([400, 'kid kid_taken']);
    expect(await faults({ content: pkcs8() })).toEqual([400, 'sourceType required']);
    expect(await faults({ sourceType: 'PEM' })).toEqual([400, 'content required']);
    expect(await faults({ password: 'x' })).toEqual([400, 'password invalid']);
    expect(await faults({ retirePrevious: 'yes' })).toEqual([400, 'retirePrevious wrong_type']);
    expect(await faults({ environmentNameList: [west] })).toEqual([
      400,
      'environmentNameList[0] no_key_for_environment',
    ]);
    expect(await faults({}, certified)).toEqual([400, 'content required']);
    expect((await plane.call('POST', `${JWKS}/absent/rotate/`)).status).toBe(404);
  });
});

describe('DELETE P/jwks/{name}/', () => {
  it('is refused while a policy names the key, naming the proxy; then the name is free', async () => {
    const name = newName();
    await generate(name);
    const proxy = await proxyWith(name);
    const refused = await plane.call('DELETE', `${JWKS}/${name}/`);
    expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
    expect(refused.body.error_description).toContain(`policy issue of ApiProxy (name: ${proxy})`);
    await plane.done('DELETE', `/projects/shop/apiProxies/${proxy}/`);
    await plane.done('DELETE', `${JWKS}/${name}/`);
    expect((await plane.call('GET', `${JWKS}/${name}/`)).status).toBe(404);
    await generate(name);
  });

  it('is refused while a revision that is deployed names it, whatever the newest one does', async () => {
    const name = newName();
    await generate(name);
    const proxy = await proxyWith(name, { deploy: true, deployTargetEnvironmentNameList: [east] });
    await plane.done('PUT', at(proxy), policyBody({}, { jwtSignatureAlgorithm: 'ES256' }));
    expect((await plane.call('DELETE', `${JWKS}/${name}/`)).status).toBe(409);
    await plane.done('PUT', at(proxy), policyBody({ deploy: true }, { jwtSignatureAlgorithm: 'ES256' }));
    await plane.done('DELETE', `${JWKS}/${name}/`);
  });
});

describe('keyStoreName of policy-auth-jwt', () => {
  it.each([
    ['another kind of key', 'RS256', 'WrongKeyType'],
    ['another curve', 'ES384', 'InvalidCurve'],
  ])('is refused for %s, naming what fits', async (_what, jwtSignatureAlgorithm, code) => {
    const name = newName();
    await generate(name);
    const proxy = await proxyWith(name);
    const answer = await plane.call('PUT', at(proxy), policyFor(name, {}, { jwtSignatureAlgorithm }));
    expect(answer.body.validation_errors).toEqual([
      { field: 'policy.keyStoreName', code, message: expect.stringContaining('good for ES256') as string },
    ]);
  });

  it('is refused for a secret too short, a key bound to another algorithm, and one that is only public', async () => {
    const [secret, bound, certified] = [newName(), newName(), newName()];
    await generate(secret, { type: 'OCT', oct: { keySize: 256 }, ec: null });
    await generate(bound, { type: 'RSA', rsa: { keySize: 2048, algorithm: 'RSA512' }, ec: null });
    await plane.done('POST', `${JWKS}/`, { name: certified, sourceType: 'CERTIFICATE', content: CERTIFICATE });
    await generate('es256');
    const proxy = await proxyWith('es256');
    const faults = (name: string, jwtSignatureAlgorithm: string) =>
      faultsOf('PUT', at(proxy), policyFor(name, {}, { jwtSignatureAlgorithm }));
    expect(await faults(secret, 'HS384')).toEqual([400, 'policy.keyStoreName InsufficientKeyLength']);
    expect(await faults(bound, 'RS256')).toEqual([400, 'policy.keyStoreName WrongAlgorithm']);
    expect(await faults(certified, 'ES256')).toEqual([400, 'policy.keyStoreName InvalidPrivateKey']);
    expect(await faults('no-such-key', 'ES256')).toEqual([400, 'policy.keyStoreName unknown_key_store']);
    expect(await faults(secret, 'HS256')).toEqual([200]);
  });

  it('is refused where it is deployed to an environment for which there is no key, and only there', async () => {
    const name = newName();
    await generate(name, { environmentNameList: [east] });
    const proxy = await proxyWith(name);
    const into = (environmentName: string) =>
      faultsOf('PUT', at(proxy), policyFor(name, { deploy: true, deployTargetEnvironmentNameList: [environmentName] }));
    expect(await into(west)).toEqual([400, 'policy.keyStoreName no_key_for_environment']);
    expect(await into(east)).toEqual([200]);
  });

  it('does not take a key away from under a policy: a change to another kind is refused', async () => {
    const name = newName();
    await generate(name);
    const proxy = await proxyWith(name);
    const body = { sourceType: 'PEM', content: pkcs8(rsa.privateKey) };
    for (const [method, path] of [
      ['PUT', ''],
      ['POST', 'rotate/'],
    ] as const) {
      const answer = await plane.call(method, `${JWKS}/${name}/${path}`, body);
      expect(answer.status).toBe(409);
      expect(answer.body.error_description).toContain(proxy);
    }
    await plane.done('PUT', `${JWKS}/${name}/`, { ...body, content: pkcs8() });
  });

  it('is never left pointing at nothing when the key is deleted at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const name = newName();
      await generate(name);
      await generate(`${name}-other`);
      const proxy = await proxyWith(`${name}-other`);
      const [saved, deleted] = await Promise.all([
        plane.call('PUT', at(proxy), policyFor(name)),
        plane.call('DELETE', `${JWKS}/${name}/`),
      ]);
      expect([200, 400]).toContain(saved.status);
      expect(deleted.status).toBe(saved.status === 200 ? 409 : 200);
    }
  });
});

describe('examples in the documentation', () => {
  const calls: readonly (readonly [string, ApiCallFacts])[] = Object.entries(apiFacts);
  it.each(calls)('%s are accepted as they stand', async (_name, { body }) => {
    for (const example of Object.values(body?.examples ?? {})) {
      expect(body?.schema.safeParse(example).success).toBe(true);
    }
  });

  it('of imports and generation work', async () => {
    await plane.done('POST', '/projects/', { name: 'examples' });
    for (const [path, { body }] of [
      ['', apiFacts.CREATE_KEY_STORE],
      ['generate', apiFacts.GENERATE_KEY_STORE],
    ] as const) {
      for (const example of Object.values(body?.examples ?? {})) {
        await plane.done('POST', `/projects/examples/jwks/${path}`, { ...(example as object), name: newName() });
      }
    }
  });
});
