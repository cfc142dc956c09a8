/** VerifyJWT documents as a person writes them by hand, element by element, beside what they mean in JSON. */

type Members = Readonly<Record<string, unknown>>;

export const verifyJwtDocument = (name: string, elements: string, attributes = ''): string =>
  `<VerifyJWT name="${name}"${attributes === '' ? '' : ` ${attributes}`}>\n${elements}\n</VerifyJWT>`;

/** Elements of each row of `verify-jwt-scenarios.tsv` that is judged when a policy is saved. */
export const savedElements = (publicPem: string): Readonly<Record<string, string>> => {
  const publicKey = `<PublicKey><Value>${publicPem}</Value></PublicKey>`;
  const rs256 = `<Algorithm>RS256</Algorithm>${publicKey}`;
  const claim = (attributes: string) => `<AdditionalClaims><Claim ${attributes}>x</Claim></AdditionalClaims>`;
  const secretKey = (content: string) => `<SecretKey>${content}</SecretKey>`;
  return {
    D01: rs256 + claim('name="iss"'),
    D02: `${rs256}<Source/>`,
    D03: `<Algorithm>RS257</Algorithm>${publicKey}`,
    D04: `<Algorithm>RS256</Algorithm>${secretKey('<Value ref="private.key"/>')}`,
    D05: `<Algorithm>HS256</Algorithm>${secretKey('<Id>k1</Id><Value ref="private.key"/>')}`,
    D06: rs256 + claim('name="show" type="JSON"'),
    D07: rs256 + claim('name="show" array="yes"'),
    D08: '<Algorithm>RS256</Algorithm><PublicKey><JWKS>hello</JWKS></PublicKey>',
    D09: `<Algorithm>HS256,RS256</Algorithm>${publicKey}`,
    D10: `${rs256}<Algorithms><Key>dir</Key></Algorithms>`,
    D11: '<Algorithm>RS256</Algorithm>',
    D12: `<Algorithm>HS256</Algorithm>${secretKey('<Value ref="secret"/>')}`,
    D13: `<Algorithms><Key>RSA-OAEP-256</Key></Algorithms>
      <PrivateKey><Value ref="private.key"/><Password>open sesame</Password></PrivateKey>`,
    D14: `${rs256}<AdditionalHeaders><Claim name="alg">RS256</Claim></AdditionalHeaders>`,
    D15: `${rs256}<ExpiresIn>1h</ExpiresIn>`,
  };
};

export interface ElementCase {
  readonly element: string;
  readonly json: Members;
  readonly xml: string;
  readonly attributes?: string;
}

const SIGNED = '<Algorithm>RS256</Algorithm><PublicKey><Value ref="public.key"/></PublicKey>';
const SIGNED_JSON = { algorithm: 'RS256', publicKey: { value: { ref: 'public.key' } } };
const signed = (element: string, xml: string, json: Members): ElementCase => ({
  ...{ element, xml: SIGNED + xml, json: { ...SIGNED_JSON, ...json } },
});
const withKey = (element: string, publicKeyXml: string, publicKey: Members): ElementCase => ({
  element,
  xml: `<Algorithm>RS256</Algorithm><PublicKey>${publicKeyXml}</PublicKey>`,
  json: { algorithm: 'RS256', publicKey },
});
const encrypted = (element: string, key: string, keyXml: string, json: Members): ElementCase => ({
  element,
  xml: `<Algorithms><Key>${key}</Key></Algorithms>${keyXml}`,
  json: { algorithms: { key }, ...json },
});

const KEYS: readonly ElementCase[] = [
  {
    element: 'Algorithm, a list with blanks',
    xml: '<Algorithm> RS256 , PS256 </Algorithm><PublicKey><Value ref="public.key"/></PublicKey>',
    json: { ...SIGNED_JSON, algorithm: ['RS256', 'PS256'] },
  },
  {
    element: 'SecretKey encoding',
    xml: '<Algorithm>HS256</Algorithm><SecretKey encoding="hex"><Value ref="private.key"/></SecretKey>',
    json: { algorithm: 'HS256', secretKey: { encoding: 'hex', ref: 'private.key' } },
  },
  withKey('PublicKey/Certificate ref', '<Certificate ref="public.cert"/>', { certificate: { ref: 'public.cert' } }),
  withKey('PublicKey/JWKS ref', '<JWKS ref="public.jwks"/>', { jwks: { ref: 'public.jwks' } }),
  withKey('PublicKey/JWKS uri', '<JWKS uri="https://idp.example.org/jwks?a=1&amp;b=2"/>', {
    jwks: { uri: 'https://idp.example.org/jwks?a=1&b=2' },
  }),
  withKey('PublicKey/JWKS uriRef', '<JWKS uriRef="idp.address"/>', { jwks: { uriRef: 'idp.address' } }),
  {
    element: 'Algorithms Key and Content, Type, PrivateKey',
    xml: `<Algorithms><Key>RSA-OAEP-256</Key><Content>A128GCM</Content></Algorithms><Type>Encrypted</Type>
      <PrivateKey><Value ref="private.rsa_privatekey"/></PrivateKey>`,
    json: {
      algorithms: { key: 'RSA-OAEP-256', content: 'A128GCM' },
      ...{ jwtType: 'Encrypted', privateKey: { ref: 'private.rsa_privatekey' } },
    },
  },
  encrypted(
    'PrivateKey/Password',
    'ECDH-ES+A256KW',
    '<PrivateKey><Value ref="private.pem"/><Password ref="private.word"/></PrivateKey>',
    { privateKey: { ref: 'private.pem', passwordRef: 'private.word' } },
  ),
  encrypted(
    'SecretKey of an encrypted token',
    'A128KW',
    '<SecretKey encoding="base64url"><Value ref="private.key"/></SecretKey>',
    {
      secretKey: { encoding: 'base64url', ref: 'private.key' },
    },
  ),
  encrypted(
    'PasswordKey with SaltLength and PBKDF2Iterations',
    'PBES2-HS256+A128KW',
    `<PasswordKey><Value ref="private.word"/><SaltLength>16</SaltLength>
      <PBKDF2Iterations>20000</PBKDF2Iterations></PasswordKey>`,
    { passwordKey: { ref: 'private.word', saltLength: 16, pbkdf2Iterations: 20_000 } },
  ),
  encrypted('DirectKey encoding', 'dir', '<DirectKey><Value encoding="base64url" ref="private.direct"/></DirectKey>', {
    directKey: { encoding: 'base64url', ref: 'private.direct' },
  }),
];

const TEXT_ELEMENTS = ['Subject', 'Issuer', 'Audience', 'Id', 'TimeAllowance', 'MaxLifespan'] as const;
const memberOf = (element: string): string => element.charAt(0).toLowerCase() + element.slice(1);

/** Text alone, `ref` alone, and both. */
const TEXTS: readonly ElementCase[] = TEXT_ELEMENTS.flatMap((element) => {
  const member = memberOf(element);
  return [
    signed(`${element} as text`, `<${element}> 30s </${element}>`, { [member]: '30s' }),
    signed(`${element} by ref`, `<${element} ref="a.variable"/>`, { [member]: { ref: 'a.variable' } }),
    signed(`${element} by ref with a default`, `<${element} ref="a.variable">30s</${element}>`, {
      [member]: { ref: 'a.variable', value: '30s' },
    }),
  ];
});

const FLAGS = ['IgnoreUnresolvedVariables', 'IgnoreCriticalHeaders', 'IgnoreIssuedAt'] as const;

const OTHERS: readonly ElementCase[] = [
  ...FLAGS.map((element) => signed(element, `<${element}>true</${element}>`, { [memberOf(element)]: true })),
  signed('DisplayName', '<DisplayName>A name</DisplayName>', { displayName: 'A name' }),
  signed('Source', '<Source>request.formparam.jwt</Source>', { source: 'request.formparam.jwt' }),
  signed('MaxLifespan useIssueTime', '<MaxLifespan useIssueTime="true">5m</MaxLifespan>', {
    maxLifespan: { value: '5m', useIssueTime: true },
  }),
  signed('KnownHeaders', '<KnownHeaders>a, b,c</KnownHeaders>', { knownHeaders: ['a', 'b', 'c'] }),
  signed('KnownHeaders by ref', '<KnownHeaders ref="known"/>', { knownHeaders: { ref: 'known' } }),
  signed('RequiredClaims', '<RequiredClaims>sub,exp</RequiredClaims>', { requiredClaims: 'sub,exp' }),
  signed('RequiredClaims by ref', '<RequiredClaims ref="needed"/>', { requiredClaims: { ref: 'needed' } }),
  signed(
    'AdditionalClaims of every type',
    `<AdditionalClaims>
      <Claim name="show">And now for something completely different.</Claim>
      <Claim name="n" type="number" ref="a.number">42</Claim>
      <Claim name="b" type="boolean">true</Claim>
      <Claim name="l" array="true">a,b,c</Claim>
      <Claim name="m" type="map">{"a":1,"b":{"c":"&lt;2&gt;"}}</Claim>
    </AdditionalClaims>`,
    {
      additionalClaims: [
        { name: 'show', value: 'And now for something completely different.' },
        { name: 'n', type: 'number', ref: 'a.number', value: '42' },
        { name: 'b', type: 'boolean', value: 'true' },
        { name: 'l', array: true, value: 'a,b,c' },
        { name: 'm', type: 'map', value: '{"a":1,"b":{"c":"<2>"}}' },
      ],
    },
  ),
  signed('AdditionalClaims by ref', '<AdditionalClaims ref="json_claims"/>', {
    additionalClaims: { ref: 'json_claims' },
  }),
  signed('AdditionalHeaders', '<AdditionalHeaders><Claim name="moniker">Harvey</Claim></AdditionalHeaders>', {
    additionalHeaders: [{ name: 'moniker', value: 'Harvey' }],
  }),
  signed('CustomClaims, ignored', '<CustomClaims><Claim name="sub">bob</Claim></CustomClaims>', {}),
  { ...signed('continueOnError', '', { continueOnError: true }), attributes: 'continueOnError="true"' },
  { ...signed('enabled', '', { active: false }), attributes: "enabled='false'" },
  { ...signed('async, ignored', '', {}), attributes: 'async="true"' },
];

/** Every element and attribute of the seed that means something, and those that mean nothing. */
export const ELEMENT_CASES: readonly ElementCase[] = [...KEYS, ...TEXTS, ...OTHERS];
