import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import type { VerifyJwtContract } from '#libs/policy-contracts';
import { readPolicy } from './read-policy.ts';
import { verifyJwtToXml } from './verify-jwt-to-xml.ts';

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const JWKS = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k<1>&"' }] });

const NAME = 'Check.JWT 1';
const readXml = (xml: string) => readPolicy({ type: 'policy-verify-jwt', xml }, NAME);
const readJson = (members: object) => readPolicy({ type: 'policy-verify-jwt', ...members }, NAME);

function accepted(parsed: ReturnType<typeof readPolicy>): VerifyJwtContract {
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.value as VerifyJwtContract;
}
const HS256 = { algorithm: 'HS256', secretKey: { ref: 'private.k' } };
const stored = (policy: VerifyJwtContract): unknown => JSON.parse(JSON.stringify(policy));

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const anyBlank = fc.string({
  unit: fc.constantFrom(' ', '\t', '\n', '\r', 'a', '<', '&', ']]>', '"', "'"),
  minLength: 1,
});
const someText = fc.oneof(text, anyBlank);
const element = fc.oneof(someText, fc.record({ value: someText, ref: someText }, { requiredKeys: [] }));
const listItems = fc.array(
  someText.filter((item) => !item.includes(',')),
  { maxLength: 4 },
);
const list = fc.oneof(listItems, fc.record({ value: listItems, ref: someText }, { requiredKeys: [] }));
const claimName = someText.filter(
  (name) => !['', 'kid', 'iss', 'sub', 'aud', 'iat', 'exp', 'nbf', 'jti', 'alg', 'typ'].includes(name.trim()),
);
const claim = fc.record(
  {
    name: claimName,
    value: fc.oneof(someText, fc.constantFrom('{"a":"{jwt.b.claim.sub}"}', '{escapeJSON(request.header.a)}')),
    ref: someText,
    type: fc.constantFrom('string', 'number', 'boolean', 'map'),
    array: fc.boolean(),
  },
  { requiredKeys: ['name'] },
);
const claims = fc.oneof(
  fc.array(claim, { maxLength: 3 }),
  fc.record({ ref: someText, claims: fc.array(claim, { maxLength: 3 }) }, { requiredKeys: [] }),
);
const span = fc.tuple(fc.nat(10_000), fc.constantFrom('s', 'm', 'h', 'd')).map(([amount, unit]) => `${amount}${unit}`);
const encoding = fc.constantFrom('hex', 'base16', 'base64', 'base64url', null);
const privateRef = someText.map((name) => `private.${name.replaceAll(/[\n\r]/g, '')}x`);
const secret = fc.record({ encoding, ref: privateRef });
const withAlgorithm = <Key>(algorithms: readonly string[], key: fc.Arbitrary<Key>) =>
  fc
    .record({
      key: fc.constantFrom(...algorithms),
      content: fc.constantFrom('A128CBC-HS256', 'A256GCM', null),
      element: key,
    })
    .map(({ key: name, content, element: made }) => ({ algorithms: { key: name, content }, ...made }));
const encryptedKeys = fc.oneof(
  withAlgorithm(
    ['A128KW', 'A256GCMKW'],
    secret.map((secretKey) => ({ secretKey })),
  ),
  withAlgorithm(
    ['dir'],
    secret.map((directKey) => ({ directKey })),
  ),
  withAlgorithm(
    ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A192KW'],
    fc.record({ ref: privateRef, passwordRef: fc.option(privateRef) }).map((privateKey) => ({ privateKey })),
  ),
  withAlgorithm(
    ['PBES2-HS384+A192KW'],
    fc
      .record({
        ...{ ref: privateRef, saltLength: fc.option(fc.integer({ min: 8, max: 1024 })) },
        pbkdf2Iterations: fc.option(fc.integer({ min: 1, max: 1_000_000 })),
      })
      .map((passwordKey) => ({ passwordKey })),
  ),
);
const keys = fc.oneof(
  secret.map((secretKey) => ({ algorithm: ['HS256', 'HS512'], secretKey })),
  fc
    .constantFrom(
      { value: PEM },
      { value: { ref: 'v', value: PEM } },
      { certificate: { ref: 'c' } },
      { jwks: JWKS },
      {
        jwks: { ref: 'j', value: JWKS },
      },
    )
    .map((publicKey) => ({ algorithm: 'PS256,RS256', publicKey })),
  fc
    .oneof(
      fc.webUrl({ validSchemes: ['http', 'https'], withQueryParameters: true }).map((uri) => ({ uri })),
      someText.map((name) => ({ uriRef: `public.${name}x` })),
    )
    .map((jwks) => ({ algorithm: 'ES256', publicKey: { jwks } })),
  encryptedKeys,
);
const members = fc.record(
  {
    description: fc.oneof(someText, fc.constant('')),
    active: fc.boolean(),
    condition: someText,
    forwardVariables: fc.array(fc.record({ variable: someText, header: fc.constantFrom('X-A', 'X-B') }), {
      maxLength: 3,
    }),
    displayName: someText,
    continueOnError: fc.boolean(),
    source: someText.filter((name) => name.trim() !== ''),
    subject: element,
    issuer: element,
    audience: element,
    id: element,
    additionalClaims: claims,
    additionalHeaders: claims,
    requiredClaims: list,
    knownHeaders: list,
    ignoreCriticalHeaders: fc.boolean(),
    ignoreIssuedAt: fc.boolean(),
    ignoreUnresolvedVariables: fc.boolean(),
    timeAllowance: fc.oneof(span, fc.record({ value: span, ref: someText })),
    maxLifespan: fc.oneof(span, fc.record({ value: span, ref: someText, useIssueTime: fc.boolean() })),
    allowedJwksHosts: fc.array(fc.constantFrom('a.example.org', 'B', 'localhost'), { maxLength: 3 }),
    cacheVerifiedTokens: fc.boolean(),
  },
  { requiredKeys: [] },
);

describe('a policy on its way through XML', () => {
  it('is the policy it was, whatever it holds', () => {
    let count = 0;
    fc.assert(
      fc.property(members, keys, (some, key) => {
        const parsed = readJson({ ...key, ...some });
        fc.pre(parsed.ok);
        const policy = accepted(parsed);
        const xml = verifyJwtToXml(NAME, policy);
        expect(stored(accepted(readXml(xml)))).toEqual(stored(policy));
        expect(verifyJwtToXml(NAME, accepted(readXml(xml)))).toBe(xml);
        expect(stored(accepted(readJson(stored(policy) as object)))).toEqual(stored(policy));
        count += 1;
      }),
      { numRuns: 400 },
    );
    expect(count).toBeGreaterThanOrEqual(400);
  });

  it('reads as Apigee writes it', () => {
    const policy = accepted(
      readJson({
        ...HS256,
        displayName: 'A & B',
        condition: 'a = "b"',
        issuer: { ref: 'i', value: 'https://<idp>' },
        additionalClaims: [{ name: 'admin', value: 'true', type: 'boolean' }],
        maxLifespan: { value: '1h', useIssueTime: true },
      }),
    );
    expect(verifyJwtToXml(NAME, policy)).toBe(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<VerifyJWT name="Check.JWT 1" enabled="true" continueOnError="false">
    <DisplayName>A &amp; B</DisplayName>
    <Type>Signed</Type>
    <Algorithm>HS256</Algorithm>
    <SecretKey>
        <Value ref="private.k"/>
    </SecretKey>
    <Issuer ref="i">https://&lt;idp&gt;</Issuer>
    <AdditionalClaims>
        <Claim name="admin" type="boolean">true</Claim>
    </AdditionalClaims>
    <MaxLifespan useIssueTime="true">1h</MaxLifespan>
    <Properties>
        <Property name="gatewarden.condition">a = "b"</Property>
    </Properties>
</VerifyJWT>
`);
  });
});
