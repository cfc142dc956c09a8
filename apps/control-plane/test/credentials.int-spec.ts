import type { CredentialRecord } from '#libs/policy-contracts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const P = '/projects/shop';
const AT = `${P}/credentials`;

let plane: RunningControlPlane;
let gateway: FakeGateway;
const call: RunningControlPlane['call'] = (...request) => plane.call(...request);

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  const environment = await plane.environment();
  for (const name of ['shop', 'other']) await plane.done('POST', '/projects/', { name });
  for (const name of ['orders', 'users']) await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(name));
  await plane.done('POST', '/projects/other/apiProxies/url/', proxyBody('elsewhere'));
  gateway = await FakeGateway.admitted(plane.redis, environment);
});
afterAll(() => plane.close());

const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const recordOf = (username: string) =>
  gateway.identity('credential', username) as Promise<CredentialRecord | undefined>;
const storedCount = async (): Promise<number> => (await plane.events()).length;

/** Refused with a 400, and nothing of it stored. */
async function expectFaults(ask: () => Promise<Answer>, faults: readonly string[]): Promise<Answer> {
  const before = await storedCount();
  const answer = await ask();
  expect({ status: answer.status, faults: faultsOf(answer) }).toEqual({ status: 400, faults });
  expect(await storedCount()).toBe(before);
  return answer;
}

describe('POST P/credentials/', () => {
  it('stores every member of the vendor, GET P/credentials/ lists them without the password', async () => {
    const body = credentialBody('full', 'a password', {
      ...{ fullName: 'Full User', description: 'd', enabled: false, expireDate: '2030-12-31T23:59:59+02:00' },
      ...{ roleNameList: ['A', 'B', 'A'], ipList: ['192.168.1.100', '10.1.2.3/8', '10.9.9.9/8', '2001:DB8::/32'] },
      metadata: [{ key: 'team', value: 'billing', secret: false, includeInJwt: false, jwtClaimName: null }],
    });
    await plane.done('POST', `${AT}/`, body);
    const listed = (await plane.done('GET', `${AT}/`)).resultList.find((one) => one['username'] === 'full');
    const metadata = { key: 'team', value: 'billing', secret: false, includeInJwt: false };
    expect(listed).toEqual({
      ...{ username: 'full', email: 'full@example.org', fullName: 'Full User', description: 'd', enabled: false },
      ...{ expireDate: '2030-12-31T21:59:59.000Z', roleNameList: ['A', 'B'], password: null },
      ipList: ['192.168.1.100', '10.0.0.0/8', '2001:db8::/32'],
      metadata: [{ ...metadata, includeInTokenResponse: false, jwtClaimName: null }],
    });
  });

  it('fills in the defaults, null counts as left out', async () => {
    const nothing = { description: null, enabled: null, expireDate: null, roleNameList: null, ipList: null };
    await plane.done('POST', `${AT}/`, credentialBody('bare', 'a password', { ...nothing, metadata: null }));
    expect((await plane.done('GET', `${AT}/bare/`)).resultList).toEqual([
      {
        ...{ username: 'bare', email: 'bare@example.org', fullName: 'A User', description: '', enabled: true },
        ...{ expireDate: null, roleNameList: [], ipList: [], metadata: [], password: null },
        ...{ credentialAccessList: [], tokenSettings: null },
      },
    ]);
  });

  it.each([
    ['nothing', {}, ['email required', 'fullName required', 'password required', 'username required']],
    [
      'wrong types',
      { ...credentialBody('x', 'y'), email: 1, enabled: 'yes', ipList: 'any', roleNameList: [1] },
      ['email wrong_type', 'enabled wrong_type', 'ipList wrong_type', 'roleNameList[0] wrong_type'],
    ],
    [
      'addresses that are none',
      credentialBody('x', 'y', { ipList: ['10.0.0.1', '10.0.0.256', '::1/129', 'localhost'] }),
      ['ipList[1] invalid', 'ipList[2] invalid', 'ipList[3] invalid'],
    ],
    [
      'what would be out of range',
      { ...credentialBody('', ''), email: 'nobody', fullName: '', expireDate: 'soon', roleNameList: ['a b'] },
      [
        ...['email invalid', 'expireDate invalid', 'fullName out_of_range', 'password out_of_range'],
        ...['roleNameList[0] invalid', 'username out_of_range'],
      ],
    ],
    ['a name that no path can have', credentialBody('..', 'y', { email: 'a@b' }), ['username invalid']],
    [
      'metadata for tokens and secrets',
      credentialBody('x', 'y', {
        metadata: [{ key: 'k', secret: true, includeInJwt: true, includeInTokenResponse: true, jwtClaimName: 'c' }, {}],
      }),
      [
        'metadata[0].includeInJwt not_supported',
        'metadata[0].includeInTokenResponse not_supported',
        'metadata[0].jwtClaimName not_supported',
        'metadata[0].secret not_supported',
        'metadata[1].key required',
      ],
    ],
    ['an unknown member', credentialBody('x', 'y', { roles: [] }), ['roles unknown_field']],
  ])('with %s is refused with every fault', async (_what, body, faults) => {
    await expectFaults(() => call('POST', `${AT}/`, body), faults);
  });

  it('of a name that a user of another project has is a 409', async () => {
    await plane.done('POST', '/projects/other/credentials/', credentialBody('taken', 'a password'));
    expect((await call('POST', `${AT}/`, credentialBody('taken', 'b'))).status).toBe(409);
    expect((await call('GET', `${AT}/taken/`)).status).toBe(404);
  });

  it('tells the gateways from where the user may log in', async () => {
    await plane.done('POST', `${AT}/`, credentialBody('located', 'a password', { ipList: ['::ffff:10.0.0.7'] }));
    await until('the record has the addresses', async () => (await recordOf('located'))?.ipList[0] === '10.0.0.7');
  });
});

describe('PUT P/credentials/', () => {
  it('replaces a credential whole, but for its access list and token settings', async () => {
    await plane.done('POST', `${AT}/`, credentialBody('replaced', 'a password', { ipList: ['10.0.0.1'] }));
    await plane.done('PUT', `${AT}/replaced/access/`, {
      credentialAccessList: [{ name: 'orders', type: 'API_PROXY' }],
    });
    await plane.done('PUT', `${AT}/replaced/token/`, { jwtSignatureAlgorithm: 'ES256' });
    await plane.done('PUT', `${AT}/`, credentialBody('replaced', 'b', { metadata: [{ key: 'k' }] }));
    expect((await plane.done('GET', `${AT}/replaced/`)).resultList[0]).toMatchObject({
      ...{ ipList: [], metadata: [{ key: 'k', value: '' }] },
      ...{ credentialAccessList: [{ name: 'orders' }], tokenSettings: { jwtSignatureAlgorithm: 'ES256' } },
    });
  });

  it('with the password that is there keeps the logins, with another one ends them', async () => {
    await plane.done('POST', `${AT}/`, credentialBody('steady', 'a password'));
    const proof = async () => (await recordOf('steady'))?.passwordId;
    const first = await until('the record is there', proof);
    await plane.done('PUT', `${AT}/`, credentialBody('steady', 'a password', { description: 'changed' }));
    await plane.done('PATCH', `${AT}/steady/`, { password: 'a password' });
    expect(await proof()).toBe(first);
    await plane.done('PATCH', `${AT}/steady/`, { password: 'another' });
    await until('another proof', async () => (await proof()) !== first);
    const kept = await plane.pool.query(`select 1 from secrets where secret_id = $1`, [first]);
    expect(kept.rowCount).toBe(0);
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'GET'] as const)('%s of one that is not there is a 404', async (method) => {
    const body = method === 'PUT' ? credentialBody('none', 'b') : method === 'PATCH' ? { password: 'b' } : undefined;
    expect((await call(method, method === 'PUT' ? `${AT}/` : `${AT}/none/`, body)).status).toBe(404);
  });
});

const access = (...names: string[]) => ({ credentialAccessList: names.map((name) => ({ name, type: 'API_PROXY' })) });
const FUTURE = '2100-01-01T00:00:00.000Z';

it('has gateways look once a change of a credential is in their Redis', async () => {
  await plane.done('POST', `${AT}/`, credentialBody('watched', 'a password'));
  await until('it is told', async () => (await recordOf('watched'))?.enabled);
  const found: (boolean | undefined)[] = [];
  const watch = await gateway.channel.watch('changes', () => {
    void recordOf('watched').then((record) => found.push(record?.enabled));
  });
  await until('hints are heard', () => found.includes(true));
  await plane.done('PUT', `${AT}/`, credentialBody('watched', 'a password', { enabled: false }));
  await until('a look that a hint asked for finds the change', () => found.includes(false));
  await watch.close();
});

describe('P/credentials/{username}/access/', () => {
  const at = `${AT}/acl/access/`;
  const granted = async () => (await plane.done('GET', at)).resultList;
  beforeAll(() => plane.done('POST', `${AT}/`, credentialBody('acl', 'a password')));

  it('PUT adds, GET lists, DELETE takes away, and the gateways know', async () => {
    await plane.done('PUT', at, access('orders'));
    const until2100 = { name: 'users', type: 'API_PROXY', expireTime: '2100-01-01T02:00:00+02:00' };
    await plane.done('PUT', at, { credentialAccessList: [until2100] });
    expect(await granted()).toEqual([
      { name: 'orders', type: 'API_PROXY', expireTime: null },
      { name: 'users', type: 'API_PROXY', expireTime: FUTURE },
    ]);
    await until('the record has both', async () => (await recordOf('acl'))?.access.length === 2);
    expect((await recordOf('acl'))?.access).toEqual([
      { project: 'shop', proxy: 'orders', expiresAt: null },
      { project: 'shop', proxy: 'users', expiresAt: FUTURE },
    ]);
    await plane.done('DELETE', at, access('orders'));
    expect(await granted()).toEqual([{ name: 'users', type: 'API_PROXY', expireTime: FUTURE }]);
    await until('the record has one', async () => (await recordOf('acl'))?.access.length === 1);
  });

  it('PUT of what is granted already is a 400 in the words of the vendor, and grants nothing of the rest', async () => {
    const answer = await expectFaults(
      () => call('PUT', at, access('orders', 'users')),
      ['credentialAccessList[1].name already_granted'],
    );
    expect(answer.body.error_description).toBe(
      'Credential (username:acl) has already access to API Proxy (name:users)!',
    );
  });

  it.each([
    ['PUT', {}, ['credentialAccessList required']],
    ['PUT', { credentialAccessList: [] }, ['credentialAccessList out_of_range']],
    [
      'PUT',
      { credentialAccessList: [{}] },
      ['credentialAccessList[0].name required', 'credentialAccessList[0].type required'],
    ],
    [
      'PUT',
      {
        credentialAccessList: [
          { name: 'g', type: 'API_PROXY_GROUP' },
          { name: 'g', type: 'OTHER' },
        ],
      },
      ['credentialAccessList[0].type not_supported', 'credentialAccessList[1].type invalid_value'],
    ],
    [
      'PUT',
      access('orders', 'none', 'elsewhere'),
      ['credentialAccessList[1].name unknown_api_proxy', 'credentialAccessList[2].name unknown_api_proxy'],
    ],
    ['PUT', access('orders', 'orders'), ['credentialAccessList[1].name invalid']],
    ['DELETE', access('none'), ['credentialAccessList[0].name unknown_api_proxy']],
    ['DELETE', access('users', 'orders'), ['credentialAccessList[1].name not_granted']],
    [
      'PUT',
      { credentialAccessList: [{ name: 'orders', type: 'API_PROXY', expireTime: '2001-01-01T00:00:00Z' }] },
      ['credentialAccessList[0].expireTime out_of_range'],
    ],
  ] as const)('%s of %j is refused with every fault', async (method, body, faults) => {
    await expectFaults(() => call(method, at, body), [...faults]);
  });

  it('ends with its proxy, and does not pass to another one of that name', async () => {
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('passing'));
    await plane.done('POST', `${AT}/`, credentialBody('passer', 'a password'));
    await plane.done('PUT', `${AT}/passer/access/`, access('passing', 'orders'));
    await until('both are told', async () => (await recordOf('passer'))?.access.length === 2);
    await plane.done('DELETE', `${P}/apiProxies/passing/`);
    await until('one is told', async () => (await recordOf('passer'))?.access.length === 1);
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('passing'));
    expect((await plane.done('GET', `${AT}/passer/access/`)).resultList).toMatchObject([{ name: 'orders' }]);
    await plane.done('PUT', `${AT}/passer/token/`, {});
    await until('the settings are told', async () => (await recordOf('passer'))?.tokenSettings !== null);
    expect((await recordOf('passer'))?.access).toMatchObject([{ proxy: 'orders' }]);
    await plane.done('PUT', `${AT}/passer/access/`, access('passing'));
  });

  it('ends with its credential', async () => {
    await plane.done('POST', `${AT}/`, credentialBody('leaver', 'a password'));
    await plane.done('PUT', `${AT}/leaver/access/`, access('users'));
    await plane.done('DELETE', `${AT}/leaver/`);
    await plane.done('POST', `${AT}/`, credentialBody('leaver', 'a password'));
    expect((await plane.done('GET', `${AT}/leaver/access/`)).resultList).toEqual([]);
  });

  it('of a proxy that is deleted meanwhile is either refused or gone', async () => {
    for (let round = 0; round < 5; round += 1) {
      await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('raced'));
      await plane.done('POST', `${AT}/`, credentialBody(`racer-${round}`, 'a password'));
      const [put, removed] = await Promise.all([
        call('PUT', `${AT}/racer-${round}/access/`, access('raced')),
        call('DELETE', `${P}/apiProxies/raced/`),
      ]);
      expect([200, 400]).toContain(put.status);
      expect(removed.status).toBe(200);
      await until('no access is told', async () => (await recordOf(`racer-${round}`))?.access.length === 0);
    }
    const left = async () => (await plane.pool.query('select 1 from identity_wishes')).rowCount;
    await until('everything is told', async () => (await left()) === 0);
  });
});

const DEFAULTS = {
  ...{ grantType: 'PASSWORD', tokenNeverExpires: true, tokenExpiresInAmount: null, tokenExpiresInUnit: null },
  ...{ refreshTokenAllowed: null, refreshTokenCount: null, refreshTokenExpiresInAmount: null },
  ...{ refreshTokenExpiresInUnit: null, allowUrlParameters: false, jwtSignatureAlgorithm: 'RS256' },
  deletePrevious: false,
};

describe('P/credentials/{username}/token/', () => {
  const at = `${AT}/settled/token/`;
  beforeAll(() => plane.done('POST', `${AT}/`, credentialBody('settled', 'a password')));

  it('PUT changes what it names, DELETE sets the defaults of the vendor, and the gateways know', async () => {
    const first = { tokenNeverExpires: false, tokenExpiresInAmount: 1, tokenExpiresInUnit: 'HOURS' };
    expect((await plane.done('PUT', at, first)).resultList).toEqual([{ ...DEFAULTS, ...first }]);
    const second = { grantType: 'CLIENT_CREDENTIALS', deletePrevious: true, tokenExpiresInUnit: null };
    const settings = { ...DEFAULTS, ...first, grantType: 'CLIENT_CREDENTIALS', deletePrevious: true };
    expect((await plane.done('PUT', at, second)).resultList).toEqual([settings]);
    await until('they are told', async () => (await recordOf('settled'))?.tokenSettings?.['deletePrevious'] === true);
    expect((await recordOf('settled'))?.tokenSettings).toEqual(settings);
    const reset = await plane.done('DELETE', at);
    expect(reset.resultList).toEqual([DEFAULTS]);
    expect(reset.warnings).toMatchObject([{ field: 'tokenNeverExpires' }]);
    expect((await plane.done('GET', `${AT}/settled/`)).resultList).toMatchObject([{ tokenSettings: DEFAULTS }]);
  });

  it('PUT takes the members of the vendor that mean nothing here with a warning', async () => {
    const shown = { ...DEFAULTS, managedFromThisPolicy: true, enumPolicyAuthenticationType: 'SECRET_MANAGER' };
    const { warnings } = await plane.done('PUT', at, shown);
    expect(warnings?.map(({ field }) => field)).toEqual([
      ...['managedFromThisPolicy', 'enumPolicyAuthenticationType', 'tokenNeverExpires'],
    ]);
  });

  it.each([
    [{ tokenNeverExpires: false }, ['tokenExpiresInAmount required', 'tokenExpiresInUnit required']],
    [
      { grantType: 'IMPLICIT', tokenExpiresInUnit: 'SECOND', jwtSignatureAlgorithm: 'PS256', refreshTokenCount: 0 },
      [
        ...['grantType invalid_value', 'jwtSignatureAlgorithm invalid_value', 'refreshTokenCount out_of_range'],
        'tokenExpiresInUnit invalid_value',
      ],
    ],
    [
      { tokenExpiresInAmount: 1.5, refreshTokenAllowed: 'yes', more: 1 },
      ['more unknown_field', 'refreshTokenAllowed wrong_type', 'tokenExpiresInAmount wrong_type'],
    ],
    [
      { tokenNeverExpires: false, tokenExpiresInAmount: 1_000_000_000, tokenExpiresInUnit: 'YEARS' },
      ['tokenExpiresInAmount out_of_range'],
    ],
  ])('PUT of %j is refused with every fault', async (body, faults) => {
    await expectFaults(() => call('PUT', at, body), faults);
  });

  it.each(['PUT', 'DELETE'] as const)('%s for a user of another project is a 404', async (method) => {
    await plane.call('POST', '/projects/other/credentials/', credentialBody('foreign', 'a password'));
    expect((await call(method, `${AT}/foreign/token/`, method === 'PUT' ? {} : undefined)).status).toBe(404);
  });
});

describe('the history of credentials', () => {
  it('names who changed what, and holds no password', async () => {
    const types = new Set((await plane.events()).map(({ type }) => type));
    for (const type of ['AccessGranted', 'AccessRevoked', 'TokenSettingsChanged']) expect(types).toContain(type);
    expect(JSON.stringify(await plane.events())).not.toContain('a password');
  });
});
