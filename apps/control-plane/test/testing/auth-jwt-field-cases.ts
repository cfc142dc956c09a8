import {
  defaultsTo,
  enumeration,
  flag,
  refuses,
  REQUIRED,
  shows,
  texts,
  wholeNumbers,
  type FieldCase,
} from './field-cases.ts';

/** The seed's EnumTimeUnit with the longest amount of each: 2^53 milliseconds (contract 4.1). */
const LONGEST: Readonly<Record<string, number>> = {
  MILLI_SECONDS: 9_007_199_254_740_991,
  SECONDS: 9_007_199_254_740,
  MINUTES: 150_119_987_579,
  HOURS: 2_501_999_792,
  DAYS: 104_249_991,
  WEEKS: 14_892_855,
  MONTHS: 3_474_999,
  YEARS: 285_616,
};
const UNITS = Object.keys(LONGEST);
const ALGORITHMS = ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'];

/** The key that `keyStoreName` names here: as long as a name may be. */
export const KEY_STORE = `signing-${'k'.repeat(247)}`;
/** The endpoint that has every method. */
export const ENDPOINT = '/users/{id}';

const amountCases = (amount: string, unit: string, beside: object): FieldCase[] => {
  const field = `policy.${amount}`;
  const milliseconds = { ...beside, [unit]: 'MILLI_SECONDS' };
  return [
    ...wholeNumbers(field, { minimum: 1, maximum: Number.MAX_SAFE_INTEGER, otherwise: REQUIRED, beside: milliseconds })
      // null counts as left out: then the same rule misses it.
      .map((one) => (one.json === 'null' ? refuses(field, 'null', 'required', { beside: milliseconds }) : one)),
    ...Object.entries(LONGEST).map(([name, longest]) => shows(field, longest, longest, { ...beside, [unit]: name })),
    ...Object.entries(LONGEST)
      .filter(([name]) => name !== 'MILLI_SECONDS')
      .map(([name, longest]) =>
        refuses(field, String(longest + 1), 'out_of_range', {
          message: new RegExp(`in ${name} is more than 2\\^53 milliseconds`),
          beside: { ...beside, [unit]: name },
        }),
      ),
  ];
};

const unitCases = (unit: string, amount: string, beside: object): FieldCase[] => {
  const field = `policy.${unit}`;
  const with1 = { ...beside, [amount]: 1 };
  return enumeration(field, { values: UNITS, otherwise: REQUIRED, beside: with1 }).map((one) =>
    one.json === 'null' ? refuses(field, 'null', 'required', { beside: with1 }) : one,
  );
};

const EXPIRES = { tokenNeverExpires: false };
const SOON = { tokenExpiresInAmount: 1, tokenExpiresInUnit: 'HOURS' };

/** The seed's table of `policy`, row by row. */
export const SEED_POLICY_CASES: readonly FieldCase[] = [
  refuses('policy.type', undefined, 'required'),
  ...['null', '"policy-quota"', '"POLICY-AUTH-JWT"', '5', '{}', '["policy-auth-jwt"]'].map((json) =>
    refuses('policy.type', json, 'invalid_value', {
      message: /must be one of policy-auth-jwt, policy-verify-jwt, policy-raise-fault$/,
    }),
  ),
  ...texts('policy.description', { minimum: 0, maximum: 1000, otherwise: undefined }),
  ...flag('policy.active', true),
  ...flag('policy.tokenNeverExpires', true, SOON),
  ...amountCases('tokenExpiresInAmount', 'tokenExpiresInUnit', EXPIRES),
  ...unitCases('tokenExpiresInUnit', 'tokenExpiresInAmount', EXPIRES),
  ...flag('policy.refreshTokenAllowed', false),
  ...wholeNumbers('policy.refreshTokenCount', { minimum: 1, maximum: 100_000, otherwise: undefined }),
  ...amountCases('refreshTokenExpiresInAmount', 'refreshTokenExpiresInUnit', {}),
  ...unitCases('refreshTokenExpiresInUnit', 'refreshTokenExpiresInAmount', {}),
  ...defaultsTo('policy.refreshTokenExpiresInAmount', undefined),
  ...defaultsTo('policy.refreshTokenExpiresInUnit', undefined),
  ...flag('policy.allowUrlParameters', false),
  ...flag('policy.managedFromThisPolicy', true),
  ...enumeration('policy.grantType', { values: ['PASSWORD', 'CLIENT_CREDENTIALS'], otherwise: 'PASSWORD' }),
  ...enumeration('policy.jwtSignatureAlgorithm', { values: ALGORITHMS, otherwise: REQUIRED }),
  refuses('policy.jwtSignatureAlgorithm', '"none"', 'invalid_value', { message: /HS256, .*ES512$/ }),
  refuses('policy.jwtSignatureAlgorithm', '"PS256"', 'invalid_value', { message: /HS256, .*ES512$/ }),
];

const STALE = { revocationCheck: 'boundedStale' };

/** What the contract adds to the seed in `policy-auth-jwt` (4.1). */
export const ADDED_POLICY_CASES: readonly FieldCase[] = [
  shows('policy.keyStoreName', KEY_STORE),
  ...defaultsTo('policy.keyStoreName', undefined),
  refuses('policy.keyStoreName', '"nowhere"', 'unknown_key_store', { message: /key that the project does not have/ }),
  refuses('policy.keyStoreName', '""', 'out_of_range'),
  refuses('policy.keyStoreName', JSON.stringify('k'.repeat(256)), 'out_of_range', { message: /at most 255 char/ }),
  refuses('policy.keyStoreName', '5', 'wrong_type', { message: /must be a string/ }),
  ...flag('policy.clearAuth', false),
  ...flag('policy.addUserToHeader', false),
  ...['X', 'x-user', '~!#$', 'h'.repeat(128)].map((name) => shows('policy.userHeaderName', name)),
  ...defaultsTo('policy.userHeaderName', 'X-Authenticated-UserId'),
  ...['""', '"a b"', '"a:b"', '"ä"', '"a\\r\\nb"', JSON.stringify('h'.repeat(129))].map((json) =>
    refuses('policy.userHeaderName', json, 'invalid', { message: /must be a header name/ }),
  ),
  ...['"Host"', '"content-length"', '"Transfer_Encoding"'].map((json) =>
    refuses('policy.userHeaderName', json, 'invalid', { message: /set by the gateway itself/ }),
  ),
  refuses('policy.userHeaderName', '5', 'wrong_type', { message: /must be a string/ }),
  ...flag('policy.requireClientSecret', true),
  ...flag('policy.cacheVerifiedTokens', undefined),
  ...amountCases('refreshTokenAbsoluteExpiresInAmount', 'refreshTokenAbsoluteExpiresInUnit', {}),
  ...unitCases('refreshTokenAbsoluteExpiresInUnit', 'refreshTokenAbsoluteExpiresInAmount', {}),
  ...defaultsTo('policy.refreshTokenAbsoluteExpiresInAmount', undefined),
  ...defaultsTo('policy.refreshTokenAbsoluteExpiresInUnit', undefined),
  ...wholeNumbers('policy.refreshTokenMaxUses', { minimum: 1, maximum: Number.MAX_SAFE_INTEGER, otherwise: undefined }),
  ...enumeration('policy.refreshTokenLimitAction', { values: ['REVOKE_OLDEST', 'REJECT'], otherwise: 'REVOKE_OLDEST' }),
  ...wholeNumbers('policy.refreshTokenGraceSeconds', { minimum: 0, maximum: 300, otherwise: 10 }),
  ...enumeration('policy.revocationCheck', { values: ['lastKnown', 'closed'], otherwise: 'lastKnown' }).map((one) =>
    one.expected.kind === 'accepted' || one.json === undefined || one.json === 'null'
      ? one
      : refuses(one.field, one.json === '"lastknown"' ? '"LASTKNOWN"' : one.json, 'invalid_value', {
          message: /must be one of lastKnown, boundedStale, closed$/,
        }),
  ),
  shows('policy.revocationCheck', 'boundedStale', 'boundedStale', { revocationStaleSeconds: 1 }),
  ...wholeNumbers('policy.revocationStaleSeconds', {
    minimum: 1,
    maximum: 86_400,
    otherwise: REQUIRED,
    beside: STALE,
  }).map((one) => (one.json === 'null' ? refuses(one.field, 'null', 'required', { beside: STALE }) : one)),
  ...defaultsTo('policy.revocationStaleSeconds', undefined),
  refuses('policy.revocationStaleSeconds', '5', 'invalid', { message: /goes with revocationCheck boundedStale only/ }),
  refuses('policy.revocationStaleSeconds', '5', 'invalid', { beside: { revocationCheck: 'closed' } }),
];

const FORWARD = 'policy.forwardVariables';
const forward = (header: string) => ({ variable: 'jwt.p.claim.sub', header });

/** What every type takes (contract 4.1). */
export const SHARED_POLICY_CASES: readonly FieldCase[] = [
  ...['request.verb = "GET"', 'jwt.other.valid = false and (proxy.name != "a" or request.header.x = null)'].map(
    (text) => shows('policy.condition', text),
  ),
  shows('policy.condition', `a = "${'x'.repeat(8186)}"`),
  ...defaultsTo('policy.condition', undefined),
  refuses('policy.condition', JSON.stringify(`a = "${'x'.repeat(8187)}"`), 'out_of_range', { message: /at most 8192/ }),
  refuses('policy.condition', '""', 'out_of_range'),
  refuses('policy.condition', '"request.verb ="', 'invalid_condition'),
  refuses('policy.condition', '"((("', 'invalid_condition'),
  refuses('policy.condition', 'true', 'wrong_type', { message: /must be a string/ }),
  shows(FORWARD, [forward('X-User'), { variable: 'v'.repeat(255), header: 'h'.repeat(128) }]),
  shows(
    FORWARD,
    Array.from({ length: 50 }, (_, index) => forward(`X-${index}`)),
  ),
  ...defaultsTo(FORWARD, []),
  refuses(FORWARD, JSON.stringify(Array.from({ length: 51 }, (_, index) => forward(`X-${index}`))), 'out_of_range'),
  refuses(FORWARD, '{}', 'wrong_type', { message: /must be an array/ }),
  refuses(FORWARD, '["X-User"]', 'wrong_type', { at: `${FORWARD}[0]`, message: /must be an object/ }),
  refuses(FORWARD, '[{"variable":"v"}]', 'required', { at: `${FORWARD}[0].header` }),
  refuses(FORWARD, '[{"header":"X"}]', 'required', { at: `${FORWARD}[0].variable` }),
  refuses(FORWARD, '[{"variable":"","header":"X"}]', 'out_of_range', { at: `${FORWARD}[0].variable` }),
  refuses(FORWARD, '[{"variable":5,"header":"X"}]', 'wrong_type', { at: `${FORWARD}[0].variable` }),
  refuses(FORWARD, '[{"variable":"v","header":"Connection"}]', 'invalid', { at: `${FORWARD}[0].header` }),
  refuses(FORWARD, '[{"variable":"v","header":"a b"}]', 'invalid', { at: `${FORWARD}[0].header` }),
  refuses(FORWARD, '[{"variable":"v","header":"X","more":1}]', 'unknown_field', { at: `${FORWARD}[0].more` }),
  refuses('policy.tokenExpiresIn', '5', 'unknown_field', { message: /is not a known field/ }),
];

const AT_ENDPOINT = { targetScope: 'ENDPOINT', targetEndpoint: ENDPOINT, targetEndpointHTTPMethod: 'GET' };
const { targetScope: _scope, ...WITHOUT_SCOPE } = AT_ENDPOINT;
const { targetEndpoint: _path, ...WITHOUT_PATH } = AT_ENDPOINT;
const { targetEndpointHTTPMethod: _method, ...WITHOUT_METHOD } = AT_ENDPOINT;
const AT = 'operationMetadata';

/** Members that a deletion has as well. */
export const PLACE_CASES: readonly FieldCase[] = [
  ...enumeration(`${AT}.targetScope`, { values: ['ALL', 'ENDPOINT'], otherwise: REQUIRED, beside: WITHOUT_SCOPE }),
  ...enumeration(`${AT}.targetPipeline`, { values: ['REQUEST', 'RESPONSE', 'ERROR'], otherwise: REQUIRED }),
  ...enumeration(`${AT}.targetEndpointHTTPMethod`, {
    values: METHODS,
    otherwise: REQUIRED,
    beside: WITHOUT_METHOD,
  }).map((one) => (one.json === 'null' ? refuses(one.field, 'null', 'required', { beside: WITHOUT_METHOD }) : one)),
  shows(`${AT}.targetEndpoint`, ENDPOINT, ENDPOINT, WITHOUT_PATH),
  ...[undefined, 'null'].map((json) => refuses(`${AT}.targetEndpoint`, json, 'required', { beside: WITHOUT_PATH })),
  refuses(`${AT}.targetEndpoint`, '""', 'out_of_range', { beside: WITHOUT_PATH }),
  refuses(`${AT}.targetEndpoint`, '5', 'wrong_type', { beside: WITHOUT_PATH, message: /must be a string/ }),
  // The method decides with the path which endpoint is meant; to ALL neither says anything.
  ...defaultsTo(`${AT}.targetEndpoint`, null),
  ...defaultsTo(`${AT}.targetEndpointHTTPMethod`, null),
  refuses(`${AT}.order`, '0', 'out_of_range', { message: /must be at least 1$/ }),
  refuses(`${AT}.order`, '-1', 'out_of_range'),
  ...['"1"', '1.5', 'true', '[]'].map((json) =>
    refuses(`${AT}.order`, json, 'wrong_type', { message: /an? (integer|number)/ }),
  ),
  ...['9007199254740993', '1e400'].map((json) => refuses(`${AT}.order`, json, 'inexact_number')),
  ...['"true"', '1', '[]'].map((json) => refuses(`${AT}.deploy`, json, 'wrong_type', { message: /a boolean/ })),
  ...['"production"', '{}', 'true'].map((json) =>
    refuses(`${AT}.deployTargetEnvironmentNameList`, json, 'wrong_type', { message: /an array/ }),
  ),
  refuses(`${AT}.deployTargetEnvironmentNameList`, '[5]', 'wrong_type', {
    at: `${AT}.deployTargetEnvironmentNameList[0]`,
  }),
  refuses(`${AT}.deployTargetEnvironmentNameList`, '["nowhere"]', 'unknown_environment', {
    at: `${AT}.deployTargetEnvironmentNameList[0]`,
  }),
  refuses(`${AT}.environments`, '[]', 'unknown_field', { message: /is not a known field/ }),
  refuses(`${AT}.targetscope`, '"ALL"', 'unknown_field'),
];

/** Members whose fault is found in the outermost shape. */
export const WHOLE_CASES: readonly FieldCase[] = [
  refuses(AT, undefined, 'required'),
  ...['null', '[]', '"ALL"', '5'].map((json) => refuses(AT, json, 'wrong_type', { message: /must be an object/ })),
];
