import { generateKeyPairSync } from 'node:crypto';
import {
  defaultsTo,
  dropped,
  enumeration,
  flag,
  refuses,
  REQUIRED,
  shows,
  texts,
  wholeNumbers,
  type FieldCase,
} from './field-cases.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA_PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString().trim();
const RSA_PRIVATE_PEM = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim();
const EC_PEM = ec.publicKey.export({ type: 'spki', format: 'pem' }).toString().trim();
const JWKS = JSON.stringify({ keys: [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k1' }] });
const PRIVATE_JWKS = JSON.stringify({ keys: [{ ...rsa.privateKey.export({ format: 'jwk' }), kid: 'k1' }] });

const SYMMETRIC = { secretKey: { ref: 'private.key' } };
const ASYMMETRIC = { publicKey: { value: { ref: 'public.key' } } };
/** A body that is accepted; each case changes one member of it. */
export const VERIFY_JWT = { type: 'policy-verify-jwt', algorithm: ['HS256'], ...SYMMETRIC };
export const RAISE_FAULT = { type: 'policy-raise-fault', statusCode: 403 };

const WITH_KEY = { algorithm: ['RS256'], secretKey: undefined };
const refusesAll = (field: string, code: string, jsons: readonly string[], message = /./): FieldCase[] =>
  jsons.map((json) => refuses(field, json, code, { message }));

function algorithmCases(): FieldCase[] {
  const field = 'policy.algorithm';
  const families: readonly [object, readonly string[]][] = [
    [SYMMETRIC, ['HS256', 'HS384', 'HS512']],
    [{ ...ASYMMETRIC, secretKey: undefined }, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    [{ ...ASYMMETRIC, secretKey: undefined }, ['ES256', 'ES384', 'ES512']],
  ];
  return [
    ...families.flatMap(([beside, names]) => [
      ...names.map((name) => shows(field, [name], [name], { ...beside })),
      shows(field, names.join(', '), names, { ...beside }),
    ]),
    ...[undefined, 'null', '[]', '""'].map((json) => refuses(field, json, 'MissingConfigurationElement')),
    ...refusesAll(
      field,
      'InvalidValueForElement',
      ['"none"', '"hs256"', '["HS256","XS1"]'],
      /Invalid value for element/,
    ),
    ...refusesAll(field, 'InvalidFamiliesForAlgorithm', ['["HS256","RS256"]', '"HS256,ES256"']),
    refuses(field, '5', 'wrong_type'),
    refuses(field, '[5]', 'wrong_type', { at: `${field}[0]` }),
  ];
}

function secretKeyCases(): FieldCase[] {
  const field = 'policy.secretKey';
  return [
    ...['hex', 'base16', 'base64', 'base64url'].map((encoding) => shows(field, { encoding, ref: 'private.key' })),
    shows(field, { ref: 'private.key' }),
    ...[undefined, 'null'].map((json) => refuses(field, json, 'MissingConfigurationElement')),
    refuses(field, '{"encoding":"rot13","ref":"private.key"}', 'invalid_value', {
      at: `${field}.encoding`,
      message: /must be one of hex, base16, base64, base64url$/,
    }),
    refuses(field, '{}', 'InvalidKeyConfiguration'),
    refuses(field, '{"ref":""}', 'EmptyElementForKeyConfiguration', { at: `${field}.ref` }),
    refuses(field, '{"ref":"public.key"}', 'InvalidVariableNameForSecret', { at: `${field}.ref` }),
    refuses(field, '{"value":"hush"}', 'InvalidSecretInConfig', { at: `${field}.value` }),
    refuses(field, '{"ref":5}', 'wrong_type', { at: `${field}.ref` }),
    refuses(field, '{"ref":"private.key","more":1}', 'unknown_field', { at: `${field}.more` }),
    refuses(field, '"private.key"', 'wrong_type', { message: /must be an object/ }),
    refuses(field, '{"ref":"private.key"}', 'InvalidConfigurationForActionAndAlgorithm', {
      beside: { ...ASYMMETRIC, algorithm: 'RS256' },
    }),
  ];
}

function publicKeyCases(): FieldCase[] {
  const field = 'policy.publicKey';
  const beside = WITH_KEY;
  const wrong = (json: unknown, code: string, at = field) => refuses(field, JSON.stringify(json), code, { beside, at });
  return [
    shows(field, { value: { value: RSA_PEM } }, { value: { value: RSA_PEM } }, beside),
    shows(field, { value: RSA_PEM }, { value: { value: RSA_PEM } }, beside),
    shows(field, { value: { ref: 'public.key' } }, { value: { ref: 'public.key' } }, beside),
    shows(field, { certificate: { ref: 'public.cert' } }, { certificate: { ref: 'public.cert' } }, beside),
    shows(field, { jwks: { value: JWKS } }, { jwks: { value: JWKS } }, beside),
    shows(field, { jwks: { ref: 'public.jwks' } }, { jwks: { ref: 'public.jwks' } }, beside),
    ...[undefined, 'null'].map((json) => refuses(field, json, 'MissingConfigurationElement', { beside })),
    wrong({}, 'InvalidKeyConfiguration'),
    wrong({ value: RSA_PEM, jwks: JWKS }, 'InvalidKeyConfiguration'),
    wrong({ value: '' }, 'EmptyElementForKeyConfiguration', `${field}.value`),
    wrong({ value: 'no key' }, 'KeyParsingFailed', `${field}.value`),
    wrong({ value: EC_PEM }, 'WrongKeyType', `${field}.value`),
    wrong({ certificate: RSA_PEM }, 'KeyParsingFailed', `${field}.certificate`),
    wrong({ jwks: '{"keys":[]}' }, 'InvalidPublicKeyValue', `${field}.jwks`),
    wrong({ jwks: PRIVATE_JWKS }, 'InvalidPublicKeyValue', `${field}.jwks`),
    wrong({ value: { ref: 'request.header.key' } }, 'InsecureKeySource', `${field}.value.ref`),
    wrong({ jwks: { ref: 'request.queryparam.jwks' } }, 'InsecureKeySource', `${field}.jwks.ref`),
    wrong({ value: 5 }, 'wrong_type', `${field}.value`),
    wrong({ more: 1, value: RSA_PEM }, 'unknown_field', `${field}.more`),
    refuses(field, '"x"', 'wrong_type', { beside, message: /must be an object/ }),
    refuses(field, JSON.stringify({ value: RSA_PRIVATE_PEM }), 'InvalidPublicKey', { beside, at: `${field}.value` }),
    refuses(field, '{"value":{"ref":"public.key"}}', 'InvalidConfigurationForActionAndAlgorithm'),
  ];
}

/** A key set by its address. */
function jwksAddressCases(): FieldCase[] {
  const field = 'policy.publicKey';
  const at = `${field}.jwks`;
  const shown = (jwks: object) => shows(field, { jwks }, { jwks }, WITH_KEY);
  const wrong = (jwks: object, code: string, where: string, message = /./) =>
    refuses(field, JSON.stringify({ jwks }), code, { beside: WITH_KEY, at: where, message });
  return [
    shown({ uri: 'https://idp.example.org/jwks?tenant=1' }),
    shown({ uri: 'http://127.0.0.1:8081/jwks' }),
    shown({ uriRef: 'public.jwks_uri' }),
    wrong({ uri: '/jwks' }, 'InvalidKeyConfiguration', `${at}.uri`, /absolute http or https address/),
    wrong({ uri: 'ftp://idp.example.org' }, 'InvalidKeyConfiguration', `${at}.uri`),
    wrong({ uri: 'https://user:hush@idp.example.org' }, 'InvalidKeyConfiguration', `${at}.uri`, /^((?!hush).)*$/),
    wrong({ uri: 'https://idp.example.org/{tenant}' }, 'InvalidKeyConfiguration', `${at}.uri`, /uriRef/),
    wrong({ uri: '' }, 'EmptyElementForKeyConfiguration', `${at}.uri`),
    wrong({ uriRef: '' }, 'EmptyElementForKeyConfiguration', `${at}.uriRef`),
    wrong({ uri: 'https://a.example', uriRef: 'v' }, 'InvalidKeyConfiguration', at),
    wrong({ uri: 'https://a.example', ref: 'v' }, 'InvalidKeyConfiguration', at),
    wrong({ uri: 5 }, 'wrong_type', `${at}.uri`),
    wrong({ uri: `https://a.example/${'x'.repeat(2048)}` }, 'out_of_range', `${at}.uri`),
    wrong({ uriRef: 'v'.repeat(256) }, 'out_of_range', `${at}.uriRef`),
    ...['request.header.jku', 'message.content', 'proxy.url', 'client.ip'].map((uriRef) =>
      wrong({ uriRef }, 'InsecureKeySource', `${at}.uriRef`, /allowedJwksHosts/),
    ),
    shows(
      field,
      { jwks: { uriRef: 'request.header.jku' } },
      { jwks: { uriRef: 'request.header.jku' } },
      { ...WITH_KEY, allowedJwksHosts: ['idp.example.org'] },
    ),
  ];
}

const NO_SIGNATURE = { algorithm: undefined, secretKey: undefined };

interface Secret {
  readonly name: 'secretKey' | 'privateKey' | 'passwordKey' | 'directKey';
  readonly key: string;
  /** Members beside `ref`. */
  readonly forms: readonly object[];
}

/** The key element that one key encryption algorithm needs. */
function decryptionKeyCases({ name, key, forms }: Secret): FieldCase[] {
  const field = `policy.${name}`;
  const beside = { ...NO_SIGNATURE, algorithms: { key } };
  const ref = 'private.key';
  const wrong = (json: unknown, code: string, at = field) => refuses(field, JSON.stringify(json), code, { beside, at });
  return [
    ...[{}, ...forms].map((form) => shows(field, { ref, ...form }, { ref, ...form }, beside)),
    ...(name === 'secretKey' ? [] : [shows(field, { ref, id: 'k1' }, { ref }, beside)]),
    ...[undefined, 'null'].map((json) => refuses(field, json, 'MissingConfigurationElement', { beside })),
    wrong({}, 'InvalidKeyConfiguration'),
    wrong({ ref: '' }, 'EmptyElementForKeyConfiguration', `${field}.ref`),
    wrong({ ref: 'public.key' }, 'InvalidVariableNameForSecret', `${field}.ref`),
    wrong({ ref, value: 'hush' }, 'InvalidSecretInConfig', `${field}.value`),
    wrong({ ref: 5 }, 'wrong_type', `${field}.ref`),
    wrong({ ref, more: 1 }, 'unknown_field', `${field}.more`),
    wrong('private.key', 'wrong_type'),
    refuses(field, JSON.stringify({ ref }), 'InvalidConfigurationForActionAndAlgorithm', {
      beside: name === 'secretKey' ? { algorithm: undefined, algorithms: { key: 'dir' } } : { secretKey: undefined },
    }),
  ];
}

function encryptedCases(): FieldCase[] {
  const withPrivate = { ...NO_SIGNATURE, privateKey: { ref: 'private.key' } };
  const algorithms = 'policy.algorithms';
  const password = { ...NO_SIGNATURE, algorithms: { key: 'PBES2-HS256+A128KW' } };
  const wrongPassword = (members: object, code: string, name: string) =>
    refuses('policy.passwordKey', JSON.stringify({ ref: 'private.key', ...members }), code, {
      ...{ beside: password, at: `policy.passwordKey.${name}` },
    });
  const wrongPrivate = (members: object, code: string, name: string) =>
    refuses('policy.privateKey', JSON.stringify({ ref: 'private.key', ...members }), code, {
      ...{ beside: { ...NO_SIGNATURE, algorithms: { key: 'RSA-OAEP-256' } }, at: `policy.privateKey.${name}` },
    });
  return [
    ...['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'].map((key) =>
      shows(algorithms, { key }, { key }, withPrivate),
    ),
    ...['A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512', 'A128GCM', 'A192GCM', 'A256GCM'].map((content) =>
      shows(algorithms, { key: 'RSA-OAEP-256', content }, { key: 'RSA-OAEP-256', content }, withPrivate),
    ),
    ...['RSA-OAEP', 'RSA1_5', 'none', 'a128kw'].map((key) =>
      refuses(algorithms, JSON.stringify({ key }), 'InvalidValueForElement', {
        ...{ beside: withPrivate, at: `${algorithms}.key` },
      }),
    ),
    refuses(algorithms, '{}', 'MissingConfigurationElement', { beside: withPrivate, at: `${algorithms}.key` }),
    refuses(algorithms, '{"key":5}', 'wrong_type', { beside: withPrivate, at: `${algorithms}.key` }),
    refuses(algorithms, '{"key":"dir","more":1}', 'unknown_field', { beside: withPrivate, at: `${algorithms}.more` }),
    refuses(algorithms, '"dir"', 'wrong_type', { beside: withPrivate }),
    shows('policy.jwtType', 'Encrypted', 'Encrypted', { ...withPrivate, algorithms: { key: 'ECDH-ES' } }),
    refuses('policy.jwtType', '"Signed"', 'InvalidConfigurationForActionAndAlgorithm', {
      beside: { ...withPrivate, algorithms: { key: 'ECDH-ES' } },
    }),
    ...decryptionKeyCases({ name: 'privateKey', key: 'ECDH-ES', forms: [{ passwordRef: 'private.password' }] }),
    ...decryptionKeyCases({ name: 'directKey', key: 'dir', forms: [{ encoding: 'hex' }, { encoding: 'base64url' }] }),
    ...decryptionKeyCases({ name: 'secretKey', key: 'A192KW', forms: [{ encoding: 'base64' }] }),
    ...decryptionKeyCases({
      ...{ name: 'passwordKey', key: 'PBES2-HS512+A256KW' },
      forms: [{ saltLength: 8 }, { saltLength: 1024, pbkdf2Iterations: 1 }, { pbkdf2Iterations: 1_000_000 }],
    }),
    wrongPrivate({ password: 'hush' }, 'InvalidSecretInConfig', 'password'),
    wrongPrivate({ passwordRef: '' }, 'EmptyElementForKeyConfiguration', 'passwordRef'),
    wrongPrivate({ passwordRef: 'public.password' }, 'InvalidVariableNameForSecret', 'passwordRef'),
    wrongPrivate({ passwordRef: 5 }, 'wrong_type', 'passwordRef'),
    wrongPassword({ saltLength: 7 }, 'out_of_range', 'saltLength'),
    wrongPassword({ saltLength: 1025 }, 'out_of_range', 'saltLength'),
    wrongPassword({ saltLength: 8.5 }, 'wrong_type', 'saltLength'),
    wrongPassword({ pbkdf2Iterations: 0 }, 'out_of_range', 'pbkdf2Iterations'),
    wrongPassword({ pbkdf2Iterations: 1_000_001 }, 'out_of_range', 'pbkdf2Iterations'),
    wrongPassword({ pbkdf2Iterations: '1000' }, 'wrong_type', 'pbkdf2Iterations'),
  ];
}

/** Text, `{value}`, `{ref}` or both. */
function textElementCases(field: string, text: string): FieldCase[] {
  return [
    shows(field, text, { value: text }),
    ...[{ value: text }, { ref: 'v' }, { value: text, ref: 'v' }].map((element) => shows(field, element)),
    ...defaultsTo(field, undefined),
    dropped(field, '', { warns: true }),
    dropped(field, {}, { warns: true }),
    refuses(field, '5', 'wrong_type'),
    refuses(field, '["a"]', 'wrong_type'),
    refuses(field, '{"value":5}', 'wrong_type', { at: `${field}.value`, message: /must be a string/ }),
    refuses(field, '{"ref":5}', 'wrong_type', { at: `${field}.ref`, message: /must be a string/ }),
    refuses(field, JSON.stringify({ ref: 'r'.repeat(256) }), 'out_of_range', { at: `${field}.ref` }),
    refuses(field, '{"more":1}', 'unknown_field', { at: `${field}.more` }),
  ];
}

function listElementCases(field: string): FieldCase[] {
  return [
    shows(field, ['a', 'b'], { value: ['a', 'b'] }),
    shows(field, 'a, b', { value: ['a', 'b'] }),
    ...[{ value: ['a'] }, { ref: 'v' }, { value: ['a'], ref: 'v' }].map((element) => shows(field, element)),
    ...defaultsTo(field, undefined),
    refuses(field, '["a,b"]', 'invalid', { at: `${field}.value[0]`, message: /must hold no comma/ }),
    refuses(field, '[5]', 'wrong_type', { at: `${field}.value[0]` }),
    refuses(field, '5', 'wrong_type'),
    refuses(field, '{"more":1}', 'unknown_field', { at: `${field}.more` }),
  ];
}

interface MemberNames {
  readonly field: string;
  readonly suffix: 'AdditionalClaim' | 'AdditionalHeader';
  readonly reserved: readonly string[];
}

function memberCases({ field, suffix, reserved }: MemberNames): FieldCase[] {
  const whole = (claims: readonly object[]) => ({ claims });
  const claim = (members: object) => ({ name: 'n', type: 'string', array: false, ...members });
  const at = `${field}.claims[0]`;
  const wrong = (json: unknown, code: string, where: string) =>
    refuses(field, JSON.stringify([json]), code, { at: where });
  return [
    ...['string', 'number', 'boolean', 'map'].map((type) =>
      shows(field, whole([claim({ value: '1', type })]), whole([claim({ value: '1', type })])),
    ),
    shows(field, [{ name: 'n', value: 'x' }], whole([claim({ value: 'x' })])),
    shows(field, [{ name: 'n', ref: 'v', array: true }], whole([claim({ ref: 'v', array: true })])),
    shows(field, { ref: 'v', claims: [] }),
    ...defaultsTo(field, undefined),
    dropped(field, [], { warns: false }),
    ...reserved.map((name) => wrong({ name, value: 'x' }, `InvalidNameFor${suffix}`, `${at}.name`)),
    wrong({ value: 'x' }, `MissingNameFor${suffix}`, `${at}.name`),
    wrong({ name: 'n', value: 'x', type: 'date' }, `InvalidTypeFor${suffix}`, `${at}.type`),
    wrong({ name: 'n', value: 'x', array: 'yes' }, 'InvalidValueOfArrayAttribute', `${at}.array`),
    wrong({ name: 'n', value: 5 }, 'wrong_type', `${at}.value`),
    wrong({ name: 'n', more: 5 }, 'unknown_field', `${at}.more`),
    refuses(field, '"x"', 'wrong_type', { message: /must be an object/ }),
  ];
}

const TIME = 'InvalidTimeFormat';

/** The members of `policy-verify-jwt` (contract 4.1), one after the other. */
export const VERIFY_JWT_CASES: readonly FieldCase[] = [
  ...texts('policy.description', { minimum: 0, maximum: 1000, otherwise: undefined }),
  ...texts('policy.displayName', { minimum: 1, maximum: 255, otherwise: undefined }).filter(
    ({ json }) => json !== '""',
  ),
  dropped('policy.displayName', '', { warns: false }),
  ...flag('policy.active', true),
  ...flag('policy.continueOnError', false),
  ...algorithmCases(),
  ...enumeration('policy.jwtType', { values: ['Signed'], otherwise: 'Signed' }).map((one) =>
    one.expected.kind === 'accepted'
      ? one
      : refuses(one.field, one.json, 'invalid_value', { message: /Signed, Encrypted$/ }),
  ),
  ...['request.formparam.jwt', 'v'.repeat(255)].map((name) => shows('policy.source', name)),
  ...defaultsTo('policy.source', undefined),
  refuses('policy.source', '""', 'InvalidEmptyElement'),
  refuses('policy.source', '5', 'wrong_type'),
  refuses('policy.source', JSON.stringify('v'.repeat(256)), 'out_of_range'),
  ...secretKeyCases(),
  ...publicKeyCases(),
  ...jwksAddressCases(),
  ...encryptedCases(),
  ...['subject', 'issuer', 'audience', 'id'].flatMap((name) => textElementCases(`policy.${name}`, 'expected')),
  ...memberCases({
    ...{ field: 'policy.additionalClaims', suffix: 'AdditionalClaim' },
    reserved: ['kid', 'iss', 'sub', 'aud', 'iat', 'exp', 'nbf', 'jti'],
  }),
  ...memberCases({ field: 'policy.additionalHeaders', suffix: 'AdditionalHeader', reserved: ['alg', 'typ'] }),
  ...listElementCases('policy.requiredClaims'),
  ...listElementCases('policy.knownHeaders'),
  ...flag('policy.ignoreCriticalHeaders', false),
  ...flag('policy.ignoreIssuedAt', false),
  ...flag('policy.ignoreUnresolvedVariables', false),
  ...textElementCases('policy.timeAllowance', '30s'),
  ...['0s', '5m', '1h', '2d'].map((text) => shows('policy.timeAllowance', text, { value: text })),
  ...refusesAll('policy.timeAllowance', TIME, ['"30"', '"30S"', '"1w"', '"-1s"', '"1.5h"', '"9007199254740993s"']),
  ...['30s', '5m', '1h', '2d', '3w'].map((text) =>
    shows('policy.maxLifespan', text, { value: text, useIssueTime: false }),
  ),
  shows('policy.maxLifespan', { value: '1h', ref: 'v', useIssueTime: true }),
  refuses('policy.issuer', '"${issuer}"', 'unexpanded_template', { at: 'policy.issuer.value' }),
  ...defaultsTo('policy.maxLifespan', undefined),
  ...refusesAll('policy.maxLifespan', TIME, ['"1"', '"1y"', '{"value":"W"}']),
  refuses('policy.maxLifespan', '{"value":"1h","useIssueTime":"yes"}', 'wrong_type', {
    at: 'policy.maxLifespan.useIssueTime',
  }),
  ...defaultsTo('policy.allowedJwksHosts', undefined),
  ...flag('policy.cacheVerifiedTokens', undefined),
  refuses('policy.allowedJwksHosts', '["a b"]', 'invalid', { at: 'policy.allowedJwksHosts[0]' }),
  refuses('policy.allowedJwksHosts', '"a.example"', 'wrong_type', { message: /must be an array/ }),
  ...['async', 'customClaims'].map((name) => dropped(`policy.${name}`, true, { warns: true })),
  refuses('policy.algorithms', '{"key":"RSA-OAEP","content":"A128GCM"}', 'InvalidConfiguration'),
  refuses('policy.enabled', 'true', 'unknown_field', { message: /is not a known field/ }),
];

/** The members of `policy-raise-fault` (contract 4.1). */
export const RAISE_FAULT_CASES: readonly FieldCase[] = [
  ...texts('policy.description', { minimum: 0, maximum: 1000, otherwise: undefined }),
  ...flag('policy.active', true),
  ...wholeNumbers('policy.statusCode', { minimum: 200, maximum: 599, otherwise: REQUIRED }),
  ...texts('policy.reasonPhrase', { minimum: 0, maximum: 200, otherwise: undefined }),
  refuses('policy.reasonPhrase', '"a\\r\\nX: 1"', 'invalid', { message: /no line breaks/ }),
  ...texts('policy.contentType', { minimum: 1, maximum: 255, otherwise: 'application/json' }),
  ...texts('policy.payload', { minimum: 0, maximum: 65_536, otherwise: '' }),
  shows('policy.payload', '{"user":"{jwt.check.claim.sub}"}'),
  refuses('policy.jwtSignatureAlgorithm', '"HS256"', 'unknown_field'),
];
