import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { parsePolicy, parseSentPolicy } from './policy-contract.ts';
import { parseVerifyJwt, type VerifyJwtContract } from './verify-jwt.contract.ts';
import { timeSpanSeconds } from './verify-jwt-elements.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const shortRsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const pem = (pair: typeof rsa): string => pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const jwks = (...keys: object[]): string => JSON.stringify({ keys });
const jwkOf = (pair: typeof rsa, kid = 'k1') => ({ ...pair.publicKey.export({ format: 'jwk' }), kid });

const SIGNED = { type: 'policy-verify-jwt', algorithm: ['RS256'], publicKey: { value: pem(rsa) } };
const parse = (members: object, policyName?: string) => parseVerifyJwt({ ...SIGNED, ...members }, policyName);

function accepted(members: object): VerifyJwtContract {
  const parsed = parse(members);
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.value;
}

const faultsOf = (members: object) => {
  const parsed = parseSentPolicy({ ...SIGNED, ...members });
  return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
};
const warningsOf = (members: object) => {
  const parsed = parse(members);
  return parsed.ok ? parsed.warnings.map(({ field }) => field) : [];
};

describe('the stored form of policy-verify-jwt', () => {
  it('has every default filled in', () => {
    expect(accepted({})).toEqual({
      type: 'policy-verify-jwt',
      active: true,
      forwardVariables: [],
      continueOnError: false,
      algorithm: ['RS256'],
      jwtType: 'Signed',
      publicKey: { value: { value: pem(rsa).trim() } },
      ignoreCriticalHeaders: false,
      ignoreIssuedAt: false,
      ignoreUnresolvedVariables: false,
    });
  });

  it('is the same whether an element is a text or an object, a list a text or an array', () => {
    const short = accepted({
      algorithm: ' RS256 , PS256,RS256',
      issuer: ' https://a ',
      knownHeaders: 'a, b',
      additionalClaims: [{ name: 'show', value: 'x' }],
      maxLifespan: '1h',
    });
    const long = accepted({
      algorithm: ['RS256', 'PS256'],
      issuer: { value: 'https://a', ref: null },
      knownHeaders: { value: ['a', 'b'] },
      additionalClaims: { ref: null, claims: [{ name: 'show', value: 'x', type: 'string', array: false }] },
      maxLifespan: { value: '1h', useIssueTime: false },
    });
    expect(short).toEqual(long);
    expect(short).toMatchObject({ algorithm: ['RS256', 'PS256'], issuer: { value: 'https://a' } });
  });

  it('parses again to itself', () => {
    const rich = accepted({
      displayName: 'Check',
      description: 'x',
      condition: 'request.verb = "GET"',
      forwardVariables: [{ variable: 'jwt.P.claim.sub', header: 'X-User' }],
      publicKey: { jwks: { ref: 'public.jwks', value: jwks(jwkOf(rsa)) } },
      source: 'request.formparam.jwt',
      subject: { ref: 'v', value: 'fallback' },
      audience: 'a,b',
      id: { ref: 'v' },
      additionalClaims: { ref: 'o', claims: [{ name: 'n', ref: 'r', type: 'number' }, { name: 'empty' }] },
      additionalHeaders: [{ name: 'moniker', value: 'H', array: true }],
      requiredClaims: { ref: 'list' },
      knownHeaders: ['a'],
      timeAllowance: { ref: 'ta', value: '30s' },
      maxLifespan: { value: '3w', useIssueTime: true },
    });
    expect(parseVerifyJwt(JSON.parse(JSON.stringify(rich)))).toMatchObject({ ok: true, value: rich });
    const secret = accepted({ algorithm: 'HS256', publicKey: null, secretKey: { ref: 'private.k', encoding: 'hex' } });
    expect(parseVerifyJwt(JSON.parse(JSON.stringify(secret)))).toMatchObject({ ok: true, value: secret });
  });

  it('takes an element with neither text nor ref as absent, and warns', () => {
    expect(accepted({ issuer: '', id: {} })).toMatchObject({ issuer: undefined, id: undefined });
    expect(warningsOf({ issuer: '', id: {} })).toEqual(['policy.issuer', 'policy.id']);
  });

  it('keeps the hosts that keys may come from, each once in lower case, and warns where they have no effect', () => {
    const members = { allowedJwksHosts: ['IdP.example.org', 'idp.example.org', 'localhost'] };
    expect(accepted(members).allowedJwksHosts).toEqual(['idp.example.org', 'localhost']);
    expect(warningsOf(members)).toEqual(['policy.allowedJwksHosts']);
    expect(accepted({ allowedJwksHosts: [] })).toEqual(accepted({}));
  });

  it('trims its texts, and takes an empty display name as none', () => {
    expect(accepted({ displayName: ' Check ', source: ' v ' })).toMatchObject({ displayName: 'Check', source: 'v' });
    expect(accepted({ displayName: ' ' }).displayName).toBeUndefined();
  });

  it('accepts what Apigee ignores, with a warning, and does not keep it', () => {
    const ignored = { async: false, customClaims: [{ name: 'sub', value: 'x' }], expiresIn: '1h', properties: {} };
    expect(warningsOf(ignored)).toEqual([
      'policy.async',
      'policy.customClaims',
      'policy.expiresIn',
      'policy.properties',
    ]);
    expect(accepted(ignored)).toEqual(accepted({}));
  });
});

describe('refusals of policy-verify-jwt', () => {
  it('reports every fault of the shape at once, with its path', () => {
    const faults = faultsOf({ algoritm: 'x', continueOnError: 'yes', issuer: 7, additionalClaims: [{ value: 1 }] });
    expect(faults.sort()).toEqual([
      'policy.additionalClaims.claims[0].value wrong_type',
      'policy.algoritm unknown_field',
      'policy.continueOnError wrong_type',
      'policy.issuer wrong_type',
    ]);
  });

  it('reports every deployment error at once, with Apigee’s names and texts', () => {
    const members = {
      source: ' ',
      additionalClaims: [{ name: 'iss', type: 'JSON', array: 'yes' }, { value: 'x' }],
      additionalHeaders: [{ name: 'typ' }, { value: 'x', type: 'x' }],
      timeAllowance: '3w',
    };
    const parsed = parse(members, 'P');
    expect(parsed.ok ? [] : parsed.faults.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'policy.source: Invalid empty element : policy(P) element(Source).',
      'policy.additionalClaims.claims[0].name: Invalid name for additional claim : policy(P) claim(iss).',
      'policy.additionalClaims.claims[0].type: Invalid type for additional claim : policy(P) claim(iss).',
      'policy.additionalClaims.claims[0].array: Invalid value of array attribute : policy(P) claim(iss).',
      'policy.additionalClaims.claims[1].name: Missing name for additional claim : policy(P).',
      'policy.additionalHeaders.claims[0].name: Invalid name for additional header : policy(P) header(typ).',
      'policy.additionalHeaders.claims[1].name: Missing name for additional header : policy(P).',
      'policy.additionalHeaders.claims[1].type: Invalid type for additional header : policy(P) header().',
      'policy.timeAllowance: Invalid time format : policy(P) element(TimeAllowance).',
    ]);
  });

  it('reports deployment errors beside faults of the shape, and none that comes from what the shape forbids', () => {
    expect(
      faultsOf({
        ...{ jwtType: 'signed', source: '', timeAllowance: '3w', more: 1, continueOnError: 'no' },
        ...{ additionalClaims: { claims: [{ name: 'iss' }, { name: 5 }] }, secretKey: { value: 'x', ref: 7 } },
      }).sort(),
    ).toEqual([
      'policy.additionalClaims.claims[0].name InvalidNameForAdditionalClaim',
      'policy.additionalClaims.claims[1].name wrong_type',
      'policy.continueOnError wrong_type',
      'policy.jwtType invalid_value',
      'policy.more unknown_field',
      'policy.secretKey.ref wrong_type',
      'policy.secretKey.value InvalidSecretInConfig',
      'policy.source InvalidEmptyElement',
      'policy.timeAllowance InvalidTimeFormat',
    ]);
  });

  it.each([
    [{ algorithm: 5, source: '' }, 'policy.algorithm wrong_type'],
    [{ secretKey: 'x' }, 'policy.secretKey wrong_type'],
    [{ secretKey: { ref: 7 } }, 'policy.secretKey.ref wrong_type'],
    [{ secretKey: undefined, algorithms: 'dir', algorithm: undefined }, 'policy.algorithms wrong_type'],
    [
      { algorithm: 'RS256', secretKey: undefined, publicKey: { jwks: { uri: 5 } } },
      'policy.publicKey.jwks.uri wrong_type',
    ],
    [
      {
        ...{ algorithm: 'RS256', secretKey: undefined, publicKey: { jwks: { uriRef: 'request.header.x' } } },
        allowedJwksHosts: 'a.example',
      },
      'policy.allowedJwksHosts wrong_type',
    ],
  ])('misses nothing because of what was left out: %j', (members, fault) => {
    expect(faultsOf(members)).toEqual([fault]);
  });

  it('leaves the policy out of the text when nobody said its name', () => {
    expect(parse({ source: '' })).toMatchObject({
      faults: [{ code: 'InvalidEmptyElement', message: 'Invalid empty element : element(Source).' }],
    });
    expect(parsePolicy({ ...SIGNED, source: '' }, 'P')).toMatchObject({
      faults: [{ message: 'Invalid empty element : policy(P) element(Source).' }],
    });
  });

  it.each([
    ['kid', 'iss', 'sub', 'aud', 'iat', 'exp', 'nbf', 'jti'].map((name) => ({ name })),
    [{ name: '' }, { name: ' ' }, {}],
  ])('refuses claim names that are reserved or missing', (...claims) => {
    expect(faultsOf({ additionalClaims: claims })).toHaveLength(claims.length);
  });

  it.each([
    [{ algorithm: 'RS256,HS256' }, 'policy.algorithm InvalidFamiliesForAlgorithm'],
    [{ algorithm: 'RS256,ES256' }, 'policy.algorithm InvalidFamiliesForAlgorithm'],
    [{ algorithm: 'rs256' }, 'policy.algorithm InvalidValueForElement'],
    [{ algorithm: 'none' }, 'policy.algorithm InvalidValueForElement'],
    [{ algorithm: [] }, 'policy.algorithm MissingConfigurationElement'],
    [{ algorithm: null }, 'policy.algorithm MissingConfigurationElement'],
    [{ algorithm: 'HS256', publicKey: null }, 'policy.secretKey MissingConfigurationElement'],
    [{ algorithm: 'HS256' }, 'policy.publicKey InvalidConfigurationForActionAndAlgorithm'],
    [{ secretKey: { ref: 'private.k' } }, 'policy.secretKey InvalidConfigurationForActionAndAlgorithm'],
    [{ publicKey: {} }, 'policy.publicKey InvalidKeyConfiguration'],
    [{ publicKey: { value: pem(rsa), certificate: 'x' } }, 'policy.publicKey InvalidKeyConfiguration'],
    [{ publicKey: { value: '' } }, 'policy.publicKey.value EmptyElementForKeyConfiguration'],
    [{ publicKey: { value: { ref: 'request.header.key' } } }, 'policy.publicKey.value.ref InsecureKeySource'],
    [{ publicKey: { jwks: { ref: 'message.content' } } }, 'policy.publicKey.jwks.ref InsecureKeySource'],
  ])('%j is %s', (members, fault) => {
    expect(faultsOf(members)).toEqual([fault]);
  });

  it.each([
    [{ ref: '' }, 'policy.secretKey.ref EmptyElementForKeyConfiguration'],
    [{}, 'policy.secretKey InvalidKeyConfiguration'],
    [{ ref: null }, 'policy.secretKey InvalidKeyConfiguration'],
    [{ ref: 'secret' }, 'policy.secretKey.ref InvalidVariableNameForSecret'],
    [{ ref: 'private.' }, 'policy.secretKey.ref InvalidVariableNameForSecret'],
    [{ value: 'hunter2' }, 'policy.secretKey.value InvalidSecretInConfig'],
    [{ ref: 'private.k', id: 'k1' }, 'policy.secretKey.id InvalidConfigurationForVerify'],
  ])('a secret key of %j is %s', (secretKey, fault) => {
    expect(faultsOf({ algorithm: 'HS256', publicKey: null, secretKey })).toEqual([fault]);
  });

  it('never repeats a secret or a key in a message', () => {
    const secret = parse({ algorithm: 'HS256', publicKey: null, secretKey: { value: 'hunter2' } });
    const key = parse({ publicKey: { value: privatePem } });
    const set = parse({ publicKey: { jwks: jwks({ ...rsa.privateKey.export({ format: 'jwk' }), kid: 'k' }) } });
    for (const parsed of [secret, key, set]) {
      expect(parsed.ok).toBe(false);
      expect(JSON.stringify(parsed)).not.toMatch(/hunter2|PRIVATE|MII|"d"/);
    }
  });

  it.each([
    ['hello', 'RS256', 'KeyParsingFailed'],
    [pem(p256), 'RS256', 'WrongKeyType'],
    [pem(rsa), 'ES256', 'WrongKeyType'],
    [pem(p384), 'ES256', 'InvalidCurve'],
    [pem(shortRsa), 'RS256', 'InvalidPublicKey'],
    [privatePem, 'RS256', 'InvalidPublicKey'],
  ])('refuses a literal key that can never work by the run-time fault (case %#)', (value, algorithm, code) => {
    expect(faultsOf({ algorithm, publicKey: { value } })).toEqual([`policy.publicKey.value ${code}`]);
  });

  it('takes a literal key that fits one of several ES algorithms', () => {
    expect(faultsOf({ algorithm: 'ES256,ES384', publicKey: { value: pem(p384) } })).toEqual([]);
  });

  it('wants a certificate where a certificate belongs', () => {
    expect(faultsOf({ publicKey: { certificate: pem(rsa) } })).toEqual([
      'policy.publicKey.certificate KeyParsingFailed',
    ]);
  });

  it.each([
    ['hello', 'InvalidPublicKeyValue'],
    [JSON.stringify(jwkOf(rsa)), 'InvalidPublicKeyValue'],
    [jwks(), 'InvalidPublicKeyValue'],
    [jwks({ kty: 'oct', k: 'c2VjcmV0', kid: 'k' }), 'InvalidPublicKeyValue'],
    [jwks(jwkOf(p256)), 'WrongKeyType'],
    [jwks(jwkOf(shortRsa)), 'InvalidPublicKey'],
  ])('refuses a literal key set without a usable key (case %#)', (value, code) => {
    expect(faultsOf({ publicKey: { jwks: value } })).toEqual([`policy.publicKey.jwks ${code}`]);
  });

  it('takes a literal key set when one of its keys can be used', () => {
    const set = jwks(jwkOf(p256, 'a'), jwkOf(rsa, 'b'));
    expect(faultsOf({ publicKey: { jwks: { value: set } } })).toEqual([]);
  });

  it.each([
    ['allowedJwksHosts', 'a', 'policy.allowedJwksHosts wrong_type'],
    ['allowedJwksHosts', ['https://a'], 'policy.allowedJwksHosts[0] invalid'],
    ['allowedJwksHosts', ['a', 'b:1', '*.c', ''], 'policy.allowedJwksHosts[1] invalid'],
    ['knownHeaders', ['a,b'], 'policy.knownHeaders.value[0] invalid'],
    ['issuer', 'a\u0001', 'policy.issuer.value invalid'],
    ['source', 'a\ufffe', 'policy.source invalid'],
  ])('refuses %s of %j', (name, value, fault) => {
    expect(faultsOf({ [name]: value })).toContain(fault);
  });

  it('names the conflict alone when algorithm and algorithms are both there', () => {
    expect(faultsOf({ algorithms: { key: 'dir' }, directKey: { ref: 'private.k' } })).toEqual([
      'policy.algorithms InvalidConfiguration',
    ]);
  });

  it('never throws, whatever it is given', () => {
    const names = [
      ...['algorithm', 'source', 'publicKey', 'secretKey', 'additionalClaims', 'maxLifespan', 'issuer'],
      ...['algorithms', 'privateKey', 'passwordKey', 'directKey', 'jwtType'],
    ];
    const documents = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
    fc.assert(
      fc.property(documents, (members) => {
        const parsed = parse(members);
        if (parsed.ok) {
          expect(parseVerifyJwt(JSON.parse(JSON.stringify(parsed.value)))).toMatchObject({
            ok: true,
            value: parsed.value,
          });
        }
      }),
    );
  });
});

describe('timeSpanSeconds', () => {
  it.each([
    ['30s', 30],
    ['5m', 300],
    ['1h', 3600],
    ['2d', 172_800],
    ['3w', 1_814_400],
    ['0s', 0],
  ])('reads %s as %d seconds', (text, seconds) => {
    expect(timeSpanSeconds(text, 'lifespan')).toBe(seconds);
  });

  it.each(['', '30', '30S', '-1s', '1.5h', ' 30s', '30 s', '1y', '999999999999999w'])('does not read %j', (text) => {
    expect(timeSpanSeconds(text, 'lifespan')).toBeUndefined();
  });

  it('knows no weeks for an allowance', () => {
    expect(timeSpanSeconds('1w', 'allowance')).toBeUndefined();
  });
});
