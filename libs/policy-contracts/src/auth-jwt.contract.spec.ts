import {
  accessTokenLifeMs,
  AUTH_JWT_ALGORITHMS,
  AUTH_JWT_DEFAULTS,
  GRANT_TYPES,
  parseAuthJwt,
  refreshTokenLifeMs,
  type AuthJwtContract,
} from './auth-jwt.contract.ts';
import { parsePolicy, parseSentPolicy, POLICY_TYPES } from './policy-contract.ts';
import { TIME_UNITS } from './time-units.ts';

/** Of the seed, without the members that have defaults. */
const LEAST = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' };

const SEED_EXAMPLE = {
  type: 'policy-auth-jwt',
  description: 'JWT authentication policy - issue and validate tokens',
  active: true,
  tokenNeverExpires: false,
  tokenExpiresInAmount: 3600,
  tokenExpiresInUnit: 'SECONDS',
  refreshTokenAllowed: true,
  refreshTokenCount: 5,
  refreshTokenExpiresInAmount: 86400,
  refreshTokenExpiresInUnit: 'SECONDS',
  allowUrlParameters: false,
  managedFromThisPolicy: true,
  grantType: 'PASSWORD',
  jwtSignatureAlgorithm: 'HS256',
};

function accepted(members: object): AuthJwtContract {
  const parsed = parseAuthJwt({ ...LEAST, ...members });
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.value;
}

function faultsOf(members: object): string[] {
  const parsed = parseAuthJwt({ ...LEAST, ...members });
  return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
}

const warningsOf = (members: object): string[] => {
  const parsed = parseAuthJwt({ ...LEAST, ...members });
  return parsed.ok ? parsed.warnings.map(({ field }) => field) : [];
};

describe('policy-auth-jwt', () => {
  it("takes the seed's example as it stands", () => {
    expect(parseAuthJwt(SEED_EXAMPLE)).toMatchObject({ ok: true, value: SEED_EXAMPLE, warnings: [] });
  });

  it('has every default filled in', () => {
    expect(accepted({})).toEqual({
      ...LEAST,
      active: true,
      forwardVariables: [],
      tokenNeverExpires: true,
      refreshTokenAllowed: false,
      allowUrlParameters: false,
      managedFromThisPolicy: true,
      grantType: 'PASSWORD',
      clearAuth: false,
      addUserToHeader: false,
      userHeaderName: 'X-Authenticated-UserId',
      requireClientSecret: true,
      refreshTokenLimitAction: 'REVOKE_OLDEST',
      refreshTokenGraceSeconds: 10,
      revocationCheck: 'lastKnown',
    });
  });

  it('is the same when its stored form is read again', () => {
    const stored = JSON.parse(JSON.stringify(accepted(SEED_EXAMPLE))) as object;
    expect(accepted(stored)).toEqual(accepted(SEED_EXAMPLE));
  });
});

/** Members that make a value of the member under test legal. */
const WITH: Readonly<Record<string, object>> = {
  tokenExpiresInAmount: { tokenNeverExpires: false, tokenExpiresInUnit: 'SECONDS' },
  tokenExpiresInUnit: { tokenNeverExpires: false, tokenExpiresInAmount: 1 },
  refreshTokenExpiresInAmount: { refreshTokenExpiresInUnit: 'SECONDS' },
  refreshTokenExpiresInUnit: { refreshTokenExpiresInAmount: 1 },
  revocationStaleSeconds: { revocationCheck: 'boundedStale' },
};

const VALUES: readonly (readonly [name: string, values: readonly unknown[]])[] = [
  ['description', ['', 'text', 'x'.repeat(1000)]],
  ['active', [true, false]],
  ['condition', ['request.verb = "GET"']],
  ['forwardVariables', [[], [{ variable: 'jwt.policy.claim.sub', header: 'X-User' }]]],
  ['tokenNeverExpires', [true]],
  ['tokenExpiresInAmount', [1, 3600, 2 ** 43]],
  ['tokenExpiresInUnit', [...TIME_UNITS]],
  ['refreshTokenAllowed', [true, false]],
  ['refreshTokenCount', [1, 5, 100_000]],
  ['refreshTokenExpiresInAmount', [1, 86_400]],
  ['refreshTokenExpiresInUnit', [...TIME_UNITS]],
  ['allowUrlParameters', [true, false]],
  ['managedFromThisPolicy', [true, false]],
  ['grantType', [...GRANT_TYPES]],
  ['jwtSignatureAlgorithm', [...AUTH_JWT_ALGORITHMS]],
  ['keyStoreName', ['keys', 'x'.repeat(255)]],
  ['clearAuth', [true, false]],
  ['addUserToHeader', [true, false]],
  ['userHeaderName', ['X-User']],
  ['requireClientSecret', [true, false]],
  ['refreshTokenMaxUses', [1, 1000]],
  ['refreshTokenLimitAction', ['REVOKE_OLDEST', 'REJECT']],
  ['refreshTokenGraceSeconds', [0, 10, 300]],
  ['revocationCheck', ['lastKnown', 'closed']],
  ['revocationStaleSeconds', [1, 60, 86_400]],
];

describe('a member of policy-auth-jwt', () => {
  it.each(VALUES.flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    '%s may be %j',
    (name, value) => {
      expect(accepted({ ...WITH[name], [name]: value })).toHaveProperty([name], value);
    },
  );

  it.each(VALUES.map(([name]) => name).filter((name) => name !== 'jwtSignatureAlgorithm'))(
    '%s may be null, which is the same as leaving it out',
    (name) => {
      expect(accepted({ [name]: null })).toEqual(accepted({}));
    },
  );

  it.each([
    ...['active', 'tokenNeverExpires', 'refreshTokenAllowed', 'allowUrlParameters', 'managedFromThisPolicy'],
    ...['clearAuth', 'addUserToHeader', 'requireClientSecret'],
  ])('%s must be a boolean', (name) => {
    for (const value of ['true', 1, 0, {}, []])
      expect(faultsOf({ [name]: value })).toEqual([`policy.${name} wrong_type`]);
  });

  it.each([
    ...['tokenExpiresInAmount', 'refreshTokenCount', 'refreshTokenExpiresInAmount'],
    ...['refreshTokenMaxUses', 'refreshTokenGraceSeconds', 'revocationStaleSeconds'],
  ])('%s must be a whole number', (name) => {
    for (const value of ['3600', true, 1.5, {}, [1]]) {
      expect(faultsOf({ ...WITH[name], [name]: value })).toEqual([`policy.${name} wrong_type`]);
    }
    expect(faultsOf({ ...WITH[name], [name]: 2 ** 53 })).toEqual([`policy.${name} out_of_range`]);
    expect(faultsOf({ ...WITH[name], [name]: -1 })).toEqual([`policy.${name} out_of_range`]);
  });

  it.each([
    ...['tokenExpiresInAmount', 'refreshTokenCount', 'refreshTokenExpiresInAmount', 'refreshTokenMaxUses'],
    'revocationStaleSeconds',
  ])('%s must be at least 1', (name) => {
    expect(faultsOf({ ...WITH[name], [name]: 0 })).toEqual([`policy.${name} out_of_range`]);
  });

  it.each([
    ['refreshTokenGraceSeconds', 301],
    ['refreshTokenCount', 100_001],
    ['revocationStaleSeconds', 86_401],
  ])('%s has an upper end, below %d', (name, value) => {
    expect(faultsOf({ ...WITH[name], [name]: value })).toEqual([`policy.${name} out_of_range`]);
  });

  it.each([
    ['tokenExpiresInUnit', ['SECOND', 'seconds', '', 1, true]],
    ['refreshTokenExpiresInUnit', ['SECOND', 'seconds', '', 1, true]],
    ['grantType', ['password', 'REFRESH_TOKEN', '', 1]],
    ['jwtSignatureAlgorithm', ['none', 'hs256', 'PS256', 'EdDSA', '', 1, null]],
    ['refreshTokenLimitAction', ['DENY', '', 1]],
    ['revocationCheck', ['Closed', 'bounded_stale', '', 1]],
  ] as const)('%s must be one of its words', (name, values) => {
    for (const value of values) {
      expect(faultsOf({ ...WITH[name], [name]: value })).toEqual([`policy.${name} invalid_value`]);
    }
  });

  it.each(['description', 'condition', 'keyStoreName', 'userHeaderName'])('%s must be a text', (name) => {
    for (const value of [1, true, {}, []]) expect(faultsOf({ [name]: value })).toEqual([`policy.${name} wrong_type`]);
  });

  it.each([
    ['description', 'x'.repeat(1001)],
    ['condition', ''],
    ['keyStoreName', ''],
    ['keyStoreName', 'x'.repeat(256)],
  ])('%s has a length', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([`policy.${name} out_of_range`]);
  });

  it.each(['description', 'condition'])('%s holds nothing that XML cannot carry', (name) => {
    for (const value of ['a\u0000', 'a\u001b', 'a\ufffe', '\ud800']) {
      const sent = parseSentPolicy({ ...LEAST, [name]: value });
      expect(sent.ok ? [] : sent.faults).toMatchObject([{ field: `policy.${name}`, code: 'invalid' }]);
    }
    expect(parseSentPolicy({ ...LEAST, [name]: 'tab\t, line\r\n, 😀' }).ok).toBe(true);
  });

  it.each(['', 'a b', 'a:b', 'ä', 'a\r\nb'])('userHeaderName must be a header name, not %j', (value) => {
    expect(faultsOf({ userHeaderName: value })).toEqual(['policy.userHeaderName invalid']);
  });

  it.each(['Host', 'host', 'Connection', 'Transfer-Encoding', 'transfer_encoding', 'Content_Length', 'TE', 'Via'])(
    'no header may be %s, which the gateway sets itself',
    (header) => {
      const message = 'is set by the gateway itself';
      for (const addUserToHeader of [true, false]) {
        expect(parseAuthJwt({ ...LEAST, addUserToHeader, userHeaderName: header })).toEqual({
          ok: false,
          faults: [{ field: 'policy.userHeaderName', code: 'invalid', message: `policy.userHeaderName ${message}` }],
        });
      }
      expect(faultsOf({ forwardVariables: [{ variable: 'a', header }] })).toEqual([
        'policy.forwardVariables[0].header invalid',
      ]);
    },
  );

  it('forwardVariables is a list of variable and header', () => {
    expect(faultsOf({ forwardVariables: {} })).toEqual(['policy.forwardVariables wrong_type']);
    expect(faultsOf({ forwardVariables: [{ variable: '', header: 'a b', more: 1 }, 'x'] })).toEqual([
      'policy.forwardVariables[0].variable out_of_range',
      'policy.forwardVariables[0].header invalid',
      'policy.forwardVariables[0].more unknown_field',
      'policy.forwardVariables[1] wrong_type',
    ]);
  });

  it('jwtSignatureAlgorithm is required', () => {
    expect(parseAuthJwt({ type: 'policy-auth-jwt' })).toMatchObject({
      faults: [{ field: 'policy.jwtSignatureAlgorithm', code: 'required' }],
    });
  });

  it('that nobody knows is refused by name, whatever it is called', () => {
    const unknown = JSON.parse('{"name":"x","refreshTokenCounts":1,"toString":1,"__proto__":1}') as object;
    const parsed = parseAuthJwt(Object.defineProperties({ ...LEAST }, Object.getOwnPropertyDescriptors(unknown)));
    expect(parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`).sort()).toEqual(
      ['policy.name', 'policy.refreshTokenCounts', 'policy.toString', 'policy.__proto__']
        .map((field) => `${field} unknown_field`)
        .sort(),
    );
  });
});

describe('what one member of policy-auth-jwt asks of another', () => {
  it('is amount and unit when tokenNeverExpires is false', () => {
    expect(faultsOf({ tokenNeverExpires: false })).toEqual([
      'policy.tokenExpiresInAmount required',
      'policy.tokenExpiresInUnit required',
    ]);
    expect(faultsOf({ tokenNeverExpires: false, tokenExpiresInAmount: 1, tokenExpiresInUnit: null })).toEqual([
      'policy.tokenExpiresInUnit required',
    ]);
    expect(faultsOf({ tokenNeverExpires: false, tokenExpiresInUnit: 'DAYS' })).toEqual([
      'policy.tokenExpiresInAmount required',
    ]);
  });

  it('is nothing of the kind when tokenNeverExpires is true', () => {
    expect(faultsOf({ tokenNeverExpires: true })).toEqual([]);
  });

  it.each([
    ['tokenExpiresInAmount', 'tokenExpiresInUnit', 1, 'DAYS'],
    ['refreshTokenExpiresInAmount', 'refreshTokenExpiresInUnit', 1, 'DAYS'],
  ])('is the other half of a duration: %s and %s', (amount, unit, amountValue, unitValue) => {
    expect(faultsOf({ [amount]: amountValue })).toEqual([`policy.${unit} required`]);
    expect(faultsOf({ [unit]: unitValue })).toEqual([`policy.${amount} required`]);
    expect(faultsOf({ [amount]: amountValue, [unit]: unitValue })).toEqual([]);
  });

  it('is how old knowledge of revocations may be, with boundedStale and with nothing else', () => {
    expect(faultsOf({ revocationCheck: 'boundedStale' })).toEqual(['policy.revocationStaleSeconds required']);
    expect(faultsOf({ revocationCheck: 'boundedStale', revocationStaleSeconds: null })).toEqual([
      'policy.revocationStaleSeconds required',
    ]);
    for (const revocationCheck of ['lastKnown', 'closed', null]) {
      expect(faultsOf({ revocationCheck, revocationStaleSeconds: 5 })).toEqual([
        'policy.revocationStaleSeconds invalid',
      ]);
      expect(faultsOf({ revocationCheck, revocationStaleSeconds: null })).toEqual([]);
    }
    const policy = accepted({ revocationCheck: 'boundedStale', revocationStaleSeconds: 5 });
    expect(policy).toMatchObject({ revocationCheck: 'boundedStale', revocationStaleSeconds: 5 });
  });

  it('is a duration of at most 2^53 milliseconds', () => {
    const years = Math.floor(2 ** 53 / (365 * 86_400_000));
    const lasting = (amount: number) => ({
      ...{ tokenNeverExpires: false, tokenExpiresInAmount: amount, tokenExpiresInUnit: 'YEARS' },
      ...{ refreshTokenExpiresInAmount: amount, refreshTokenExpiresInUnit: 'YEARS' },
    });
    expect(faultsOf(lasting(years))).toEqual([]);
    expect(faultsOf(lasting(years + 1))).toEqual([
      'policy.tokenExpiresInAmount out_of_range',
      'policy.refreshTokenExpiresInAmount out_of_range',
    ]);
  });

  it('is reported together with every other fault, and without any value', () => {
    const members = {
      ...{ tokenNeverExpires: false, tokenExpiresInUnit: 'hunter2-unit', refreshTokenCount: 0, grantType: 'hunter2' },
      ...{ jwtSignatureAlgorithm: 'hunter2-algorithm', surprise: 'hunter2-surprise' },
    };
    expect(faultsOf(members).sort()).toEqual([
      'policy.grantType invalid_value',
      'policy.jwtSignatureAlgorithm invalid_value',
      'policy.refreshTokenCount out_of_range',
      'policy.surprise unknown_field',
      'policy.tokenExpiresInAmount required',
      'policy.tokenExpiresInUnit invalid_value',
    ]);
    expect(JSON.stringify(parseAuthJwt({ ...LEAST, ...members }))).not.toContain('hunter2');
  });
});

describe('warnings of policy-auth-jwt', () => {
  it.each([
    ['tokenNeverExpires', {}],
    ['refreshTokenAllowed', { refreshTokenAllowed: true }],
    ['allowUrlParameters', { allowUrlParameters: true }],
    ['requireClientSecret', { requireClientSecret: false }],
    [
      'refreshTokenAbsoluteExpiresInAmount',
      { ...SEED_EXAMPLE, refreshTokenAbsoluteExpiresInAmount: 86_399, refreshTokenAbsoluteExpiresInUnit: 'SECONDS' },
    ],
    [
      'refreshTokenExpiresInAmount',
      { ...SEED_EXAMPLE, refreshTokenExpiresInAmount: null, refreshTokenExpiresInUnit: null },
    ],
  ])('speak of %s', (name, members) => {
    expect(warningsOf(members)).toContain(`policy.${name}`);
    expect(warningsOf(SEED_EXAMPLE)).toEqual([]);
  });
});

describe('the lives of tokens', () => {
  it('are the amounts in milliseconds', () => {
    const policy = accepted({ ...SEED_EXAMPLE, tokenExpiresInUnit: 'MINUTES', refreshTokenExpiresInUnit: 'MONTHS' });
    expect(accessTokenLifeMs(policy)).toBe(3600 * 60_000);
    expect(refreshTokenLifeMs(policy)).toBe(86_400 * 30 * 86_400_000);
  });

  it('are unlimited for an access token that never expires, also beside an amount', () => {
    expect(accessTokenLifeMs(accepted({ tokenExpiresInAmount: 1, tokenExpiresInUnit: 'DAYS' }))).toBeUndefined();
  });

  it('are 30 days for a refresh token that names none', () => {
    expect(refreshTokenLifeMs(accepted({}))).toBe(30 * 86_400_000);
    expect(AUTH_JWT_DEFAULTS.refreshTokenLifeMs).toBe(30 * 86_400_000);
  });
});

describe('a policy', () => {
  it.each([
    [undefined, 'policy required'],
    [null, 'policy wrong_type'],
    ['text', 'policy wrong_type'],
    [[], 'policy wrong_type'],
    [{}, 'policy.type required'],
    [{ type: 'policy-auth-jwt2' }, 'policy.type invalid_value'],
    [{ type: 'toString' }, 'policy.type invalid_value'],
    [{ type: ['policy-auth-jwt'] }, 'policy.type invalid_value'],
    [{ type: null }, 'policy.type invalid_value'],
  ])('%j is refused', (input, fault) => {
    const parsed = parsePolicy(input);
    expect(parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`)).toEqual([fault]);
  });

  it('of an unknown type is refused with a list of the known ones', () => {
    const parsed = parsePolicy({ type: 'policy-quota' });
    expect(parsed.ok ? '' : parsed.faults[0]?.message).toBe(`policy.type must be one of ${POLICY_TYPES.join(', ')}`);
    expect([...POLICY_TYPES].sort()).toEqual(['policy-auth-jwt', 'policy-raise-fault', 'policy-verify-jwt']);
  });
});
