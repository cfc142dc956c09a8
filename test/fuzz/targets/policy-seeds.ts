import { FUZZ_TOKENS } from '../fuzz-tokens.ts';
import { type JsonPieces } from '../mutate-json.ts';
import {
  ELEMENT_CASES,
  savedElements,
  verifyJwtDocument,
} from '../../../apps/control-plane/test/testing/verify-jwt-documents.ts';
import { SEED_ADD_BODY, SEED_UPDATE_BODY } from '../../../apps/control-plane/test/testing/seed-bodies.ts';
import { POLICY_NAME } from './policy-calls.ts';

const PUBLIC_PEM = FUZZ_TOKENS.keys.RSA.public;
export const AT_REQUEST = { targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: false };
const AT_ENDPOINT = {
  ...{ targetScope: 'ENDPOINT', targetEndpoint: '/users/{id}', targetEndpointHTTPMethod: 'GET' },
  ...{ targetPipeline: 'RESPONSE', order: 1, deploy: true, deployTargetEnvironmentNameList: ['production'] },
  deployStrategy: { waves: [['production']], stopOnFailure: true, minAppliedPercent: 100 },
};

const VERIFY = { type: 'policy-verify-jwt' };
const FULL: readonly object[] = [
  {
    ...{ type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'ES256', active: false, condition: 'request.verb = "GET"' },
    ...{ tokenNeverExpires: false, tokenExpiresInAmount: 1, tokenExpiresInUnit: 'HOURS', refreshTokenMaxUses: 3 },
    ...{ clearAuth: true, addUserToHeader: true, userHeaderName: 'X-User', refreshTokenLimitAction: 'REJECT' },
    ...{ revocationCheck: 'boundedStale', revocationStaleSeconds: 5, requireClientSecret: false },
    forwardVariables: [{ variable: 'jwt.P.claim.sub', header: 'X-Sub' }],
  },
  {
    ...{ ...VERIFY, algorithm: ['RS256', 'PS256'], publicKey: { value: PUBLIC_PEM }, continueOnError: true },
    ...{ subject: { ref: 'v', value: 'fallback' }, issuer: 'me', audience: { ref: 'a' }, id: { value: 'i' } },
    additionalClaims: { ref: null, claims: [{ name: 'show', value: '{"a":1}', type: 'map', array: false }] },
    additionalHeaders: [{ name: 'x', value: '1', type: 'number' }],
    ...{ requiredClaims: ['sub', 'exp'], knownHeaders: { ref: 'known' }, ignoreCriticalHeaders: true },
    ...{ timeAllowance: '30s', maxLifespan: { value: '1h', useIssueTime: true }, source: 'request.header.token' },
    condition: 'request.verb = "GET" and not (jwt.P.valid = "true")',
  },
  { ...VERIFY, algorithm: 'HS512', secretKey: { ref: 'private.k', encoding: 'hex' } },
  { ...VERIFY, algorithm: 'RS256', publicKey: { jwks: { uri: 'https://idp.example.org/jwks?a=1&b=2' } } },
  {
    ...VERIFY,
    algorithm: 'ES256',
    publicKey: { jwks: { uriRef: 'request.header.jku' } },
    allowedJwksHosts: ['a.example'],
  },
  {
    ...VERIFY,
    algorithms: { key: 'RSA-OAEP-256', content: 'A128GCM' },
    privateKey: { ref: 'private.k', passwordRef: 'private.p' },
  },
  {
    ...VERIFY,
    algorithms: { key: 'PBES2-HS256+A128KW' },
    passwordKey: { ref: 'private.k', saltLength: 16, pbkdf2Iterations: 20_000 },
  },
  {
    ...VERIFY,
    algorithms: { key: 'dir', content: 'A256CBC-HS512' },
    directKey: { ref: 'private.k', encoding: 'base64url' },
  },
  {
    ...{ type: 'policy-raise-fault', statusCode: 403, reasonPhrase: 'No {request.verb}', contentType: 'text/plain' },
    ...{ payload: '{"a":"{escapeJSON(request.header.a)}"}', condition: 'jwt.P.claim.n > 1' },
  },
];

export const VERIFY_JWT_DOCUMENTS: readonly string[] = [
  ...Object.values(savedElements(PUBLIC_PEM)).map((elements) => verifyJwtDocument(POLICY_NAME, elements)),
  ...ELEMENT_CASES.map(({ xml, attributes }) => verifyJwtDocument(POLICY_NAME, xml, attributes)),
];

/** Bodies of the policy call: those of the seed, one of each kind with all its members, one that holds XML. */
export const POLICY_BODIES: readonly unknown[] = [
  JSON.parse(SEED_ADD_BODY),
  JSON.parse(SEED_UPDATE_BODY),
  ...FULL.flatMap((policy) => [AT_REQUEST, AT_ENDPOINT].map((operationMetadata) => ({ operationMetadata, policy }))),
  { operationMetadata: AT_REQUEST, policy: { ...VERIFY, xml: VERIFY_JWT_DOCUMENTS.at(-1) } },
];

const members = (document: unknown): string[] =>
  typeof document !== 'object' || document === null
    ? []
    : Object.entries(document).flatMap(([name, value]) => [
        ...(Array.isArray(document) ? [] : [name]),
        ...members(value),
      ]);

export const POLICY_PIECES: JsonPieces = {
  names: [...new Set(POLICY_BODIES.flatMap(members))],
  values: [
    ...['"policy-auth-jwt"', '"policy-verify-jwt"', '"policy-raise-fault"', '"ALL"', '"ENDPOINT"', '"RESPONSE"'],
    ...[
      '"RS256"',
      '"HS256,RS256"',
      '["ES256","ES256"]',
      '"none"',
      '"dir"',
      '"request.header.a"',
      '"private.k"',
      '"2h"',
    ],
    ...[
      '"https://user:word@host/x"',
      '"http://169.254.169.254/"',
      '"1000000000d"',
      '{"ref":"a"}',
      '{"value":"a","ref":"b"}',
    ],
    ...[
      '{"jwks":{"uri":"https://a/"}}',
      '"request.verb JavaRegex \\"(a+)+$\\""',
      '"((((((((true))))))))"',
      '"{a:{b:{c}}}"',
    ],
    ...[
      '"<VerifyJWT/>"',
      '[{"variable":"a","header":"b"}]',
      '[{"name":"iss"}]',
      '["production"]',
      '["nowhere"]',
      '[["production"]]',
    ],
    ...[
      JSON.stringify(PUBLIC_PEM),
      '"MONTHS"',
      '9007199254740991',
      '65536',
      '"X-A\\r\\nX-B"',
      '"{substring(a,0,99999)}"',
    ],
  ],
};

export const XML_PIECES: readonly string[] = [
  ...'<>/="\' &;![]-?:\n\t\u0000a1',
  ...[
    '<!--',
    '-->',
    '--',
    '<![CDATA[',
    ']]>',
    '<?xml version="1.0"?>',
    '<?a?>',
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    '&b;',
    '&#0;',
  ],
  ...[
    '&#x1F600;',
    '&#13;',
    '&#10;',
    '&#9;',
    '\r\n',
    '\r',
    '&#55296;',
    '&lt;',
    '&amp;amp;',
    'xmlns:a="b"',
    'a:b="c"',
    'xml:space="preserve"',
    '\u00c3\u00a9',
    '\u00ef\u00bb\u00bf',
    '\u00ff',
  ],
  ...[
    '<VerifyJWT>',
    '</VerifyJWT>',
    '<a/>',
    '<Source/>',
    '<Algorithm>RS256</Algorithm>',
    '<Issuer ref="a"/>',
    ' ref="b"',
    ' name="c"',
  ],
  ...[
    '<Properties><Property name="gatewarden.condition">true</Property></Properties>',
    '<AdditionalClaims>',
    '<constructor/>',
  ],
  ...[
    '<Claim name="x" type="map">{"a":1}</Claim>',
    '__proto__',
    '<__proto__>',
    '<toString/>',
    '#text',
    ':@',
    '@_',
    '<a a="1" a="2"/>',
  ],
];
