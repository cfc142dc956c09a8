import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import type { VerifyJwtContract } from '#libs/policy-contracts';
import { readPolicy } from './read-policy.ts';
import { verifyJwtToXml } from './verify-jwt-to-xml.ts';

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const JWKS = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k<1>&"' }] });

const NAME = 'Check.JWT 1';
const readXml = (xml: string, beside: object = {}) => readPolicy({ type: 'policy-verify-jwt', xml, ...beside }, NAME);
const readJson = (members: object) => readPolicy({ type: 'policy-verify-jwt', ...members }, NAME);

function accepted(parsed: ReturnType<typeof readPolicy>): VerifyJwtContract {
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.value as VerifyJwtContract;
}
const faultsOf = (parsed: ReturnType<typeof readPolicy>): string[] =>
  parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
const messagesOf = (parsed: ReturnType<typeof readPolicy>): string[] =>
  parsed.ok ? [] : parsed.faults.map(({ message }) => message);
const warningsOf = (parsed: ReturnType<typeof readPolicy>): string[] =>
  parsed.ok ? parsed.warnings.map(({ field }) => field) : [];

/** A document with an HS256 key and these elements. */
const xmlWith = (elements: string, attributes = '') =>
  `<VerifyJWT ${attributes}><Algorithm>HS256</Algorithm><SecretKey><Value ref="private.k"/></SecretKey>${elements}</VerifyJWT>`;
const HS256 = { algorithm: 'HS256', secretKey: { ref: 'private.k' } };
const stored = (policy: VerifyJwtContract): unknown => JSON.parse(JSON.stringify(policy));

describe('policy-verify-jwt as XML', () => {
  it.each([
    ['<DisplayName>\n  Check it \n</DisplayName>', { displayName: 'Check it' }],
    ['<Type>Signed</Type>', { jwtType: 'Signed' }],
    ['<Source> request.formparam.jwt </Source>', { source: 'request.formparam.jwt' }],
    ['<Subject>bob</Subject>', { subject: 'bob' }],
    ['<Issuer ref="v"/>', { issuer: { ref: 'v' } }],
    ['<Audience ref="v">fallback</Audience>', { audience: { ref: 'v', value: 'fallback' } }],
    ['<Id ref="v"/>', { id: { ref: 'v' } }],
    [
      '<AdditionalClaims ref="o"><Claim name="n" ref="r" type="number" array="true">1, 2</Claim></AdditionalClaims>',
      { additionalClaims: { ref: 'o', claims: [{ name: 'n', ref: 'r', type: 'number', array: true, value: '1, 2' }] } },
    ],
    [
      '<AdditionalHeaders><Claim name="h">x</Claim></AdditionalHeaders>',
      { additionalHeaders: [{ name: 'h', value: 'x' }] },
    ],
    ['<RequiredClaims>sub, exp</RequiredClaims>', { requiredClaims: ['sub', 'exp'] }],
    ['<RequiredClaims ref="list"/>', { requiredClaims: { ref: 'list' } }],
    ['<KnownHeaders ref="list">a,b</KnownHeaders>', { knownHeaders: { ref: 'list', value: ['a', 'b'] } }],
    ['<IgnoreCriticalHeaders>true</IgnoreCriticalHeaders>', { ignoreCriticalHeaders: true }],
    ['<IgnoreIssuedAt> true </IgnoreIssuedAt>', { ignoreIssuedAt: true }],
    ['<IgnoreUnresolvedVariables>false</IgnoreUnresolvedVariables>', { ignoreUnresolvedVariables: false }],
    ['<TimeAllowance ref="t">30s</TimeAllowance>', { timeAllowance: { ref: 't', value: '30s' } }],
    ['<MaxLifespan useIssueTime="true">1h</MaxLifespan>', { maxLifespan: { value: '1h', useIssueTime: true } }],
    ['<Properties/>', {}],
    ['<AdditionalClaims/><AdditionalHeaders/>', {}],
  ])('%s is the member of the JSON form', (elements, members) => {
    expect(accepted(readXml(xmlWith(elements)))).toEqual(accepted(readJson({ ...HS256, ...members })));
  });

  it.each([
    [`<Value>\n        ${PEM.replaceAll('\n', '\n        ')}</Value>`, { value: PEM.replaceAll('\n', '\n        ') }],
    ['<Value ref="public.key"/>', { value: { ref: 'public.key' } }],
    ['<Certificate ref="c"/>', { certificate: { ref: 'c' } }],
    [`<JWKS><![CDATA[${JWKS}]]></JWKS>`, { jwks: JWKS }],
    ['<JWKS ref="v"/>', { jwks: { ref: 'v' } }],
  ])('a public key is the same key as in JSON (case %#)', (child, key) => {
    const xml = `<VerifyJWT><Algorithm>RS256,PS256</Algorithm><PublicKey>${child}</PublicKey></VerifyJWT>`;
    expect(accepted(readXml(xml))).toEqual(accepted(readJson({ algorithm: ['RS256', 'PS256'], publicKey: key })));
  });

  it('takes the attributes of the root', () => {
    const read = readXml(xmlWith('', `name='${NAME}' enabled="false" continueOnError = "true" async="false"`));
    expect(accepted(read)).toEqual(accepted(readJson({ ...HS256, active: false, continueOnError: true })));
    expect(warningsOf(read)).toEqual(['policy.async']);
  });

  it('takes what published policies hold: a declaration, comments, instructions, namespaces, a byte order mark', () => {
    const xml = `\ufeff<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
      <!-- one -->
      <a:VerifyJWT xmlns:a="http://www.sap.com/apimgmt" xmlns="x" xml:space="default"><!-- <Issuer>no</Issuer> -->
        <a:Algorithm>HS<!-- two -->256</a:Algorithm><?skip <Issuer>no</Issuer> ?>
        <SecretKey><Value ref="private.k"></Value></SecretKey>
      </a:VerifyJWT>
      <!-- three -->`;
    expect(accepted(readXml(xml))).toEqual(accepted(readJson(HS256)));
  });

  it.each([
    `<?xml version='1.0'?>`,
    '<?xml version="1.0" encoding="utf-8" ?>',
    '<?xml version="1.0" encoding="US-ASCII" standalone="no"?>',
    '\n  <?xml version="1.1"?>',
    '<?xml-stylesheet href="a"?><!-- <!DOCTYPE a> --><!---->',
  ])('may begin with %s', (beginning) => {
    const xml = `${beginning}${xmlWith('<Issuer><![CDATA[<!DOCTYPE a>-- <?xml ?>]]></Issuer>')}<?after all?>`;
    expect(accepted(readXml(xml)).issuer).toEqual({ value: '<!DOCTYPE a>-- <?xml ?>' });
  });

  it('replaces references once, and leaves CDATA as it is', () => {
    const issuer = (text: string) => accepted(readXml(xmlWith(`<Issuer>${text}</Issuer>`))).issuer?.value;
    expect(issuer('&lt;&amp;lt;&gt;&quot;&apos;&#65;&#x1F600;')).toBe('<&lt;>"\'A😀');
    expect(issuer('<![CDATA[&lt;a> ]]>&lt;')).toBe('&lt;a> <');
    expect(accepted(readXml(xmlWith('<Issuer ref="a&#x2e;b&amp;c"/>'))).issuer).toEqual({ ref: 'a.b&c' });
  });

  it('accepts what Apigee ignores, with a warning each', () => {
    const ignored =
      '<CustomClaims><Claim name="sub">x</Claim></CustomClaims><CustomHeaders/><ExpiresIn>1h</ExpiresIn><FaultRules/>' +
      '<IncludeTyp>true</IncludeTyp><IgnoreCriticalExtensions/><Properties><Property name="other">1</Property></Properties>';
    const read = readXml(xmlWith(ignored));
    expect(accepted(read)).toEqual(accepted(readJson(HS256)));
    expect(warningsOf(read).sort()).toEqual(
      [
        'customClaims',
        'customHeaders',
        'expiresIn',
        'faultRules',
        'ignoreCriticalExtensions',
        'includeTyp',
        'properties',
      ].map((member) => `policy.${member}`),
    );
  });

  it('may have the members that XML has no element for beside it', () => {
    const beside = {
      description: 'about it',
      active: false,
      condition: 'request.verb = "GET"',
      forwardVariables: [{ variable: 'a', header: 'X-A' }],
    };
    expect(accepted(readXml(xmlWith(''), beside))).toEqual(accepted(readJson({ ...HS256, ...beside })));
    const nothing = { description: null, active: null, condition: null, forwardVariables: null };
    expect(accepted(readXml(xmlWith(''), nothing))).toEqual(accepted(readJson(HS256)));
  });

  it('is nothing when xml is null', () => {
    expect(accepted(readJson({ ...HS256, xml: null }))).toEqual(accepted(readJson(HS256)));
  });
});

describe('refusals of policy-verify-jwt as XML', () => {
  it.each([
    ['text', 'is not well-formed XML'],
    ['', 'is empty'],
    [' \n', 'is empty'],
    ['<VerifyJWT>', 'is not well-formed XML'],
    ['<VerifyJWT><a></VerifyJWT>', 'is not well-formed XML at line 1'],
    ['<VerifyJWT/><VerifyJWT/>', 'policy.xml '],
    ['<VerifyJWT a="1" a="2"/>', 'is not well-formed XML'],
    ['<VerifyJWT a=1/>', 'is not well-formed XML'],
    ['<VerifyJWT/>stray', 'one outermost element and no text beside it'],
    ['<?xml version="1.0" encoding="UTF-16"?><VerifyJWT/>', 'version 1.0 and encoding UTF-8, or none'],
    ['<?xml version="1.0" encoding="ISO-8859-1"?><VerifyJWT/>', 'version 1.0 and encoding UTF-8, or none'],
    ['<?xml encoding="UTF-8"?><VerifyJWT/>', 'version 1.0 and encoding UTF-8, or none'],
    ['<VerifyJWT/><?xml version="1.0"?>', 'an XML declaration at its beginning only'],
    ['<VerifyJWT><?XML ?></VerifyJWT>', 'an XML declaration at its beginning only'],
    ['<VerifyJWT><!-- a -- b --></VerifyJWT>', 'a comment with -- in it'],
    ['<VerifyJWT><!-- a ---></VerifyJWT>', 'a comment with -- in it'],
    ['<VerifyJWT><!-- a', 'that is not closed'],
    ['<VerifyJWT><![CDATA[ a', 'that is not closed'],
    ['<VerifyJWT><Issuer>a]]>b</Issuer></VerifyJWT>', 'element Issuer holds ]]> outside of a CDATA section'],
    ['<VerifyJWT><Issuer><![CDATA[a]]>]]></Issuer></VerifyJWT>', 'element Issuer holds ]]> outside'],
    ['<VerifyJWT><!-- \u0001 --></VerifyJWT>', 'a character that XML cannot have'],
    ['<VerifyJWT><Issuer>\u0000</Issuer></VerifyJWT>', 'a character that XML cannot have'],
    ['<VerifyJWT><Issuer>&#1;</Issuer></VerifyJWT>', 'a reference other than'],
    ['<VerifyJWT><Issuer>&#xD800;</Issuer></VerifyJWT>', 'a reference other than'],
    [`<VerifyJWT>${'<a b="c"/>'.repeat(2_500)}</VerifyJWT>`, 'holds more than 5000 elements and attributes'],
    ['<DecodeJWT/>', 'must have the outermost element VerifyJWT'],
    ['<!DOCTYPE VerifyJWT><VerifyJWT/>', 'may not declare a document type'],
    ['<!DOCTYPE a [<!ENTITY x "y">]><VerifyJWT><Issuer>&x;</Issuer></VerifyJWT>', 'may not declare a document type'],
    ['<!doctype a SYSTEM "file:///etc/passwd"><VerifyJWT/>', 'may not declare a document type'],
    ['<VerifyJWT><Issuer>&nbsp;</Issuer></VerifyJWT>', 'a reference other than'],
    ['<VerifyJWT><Issuer>&#0;</Issuer></VerifyJWT>', 'a reference other than'],
    ['<VerifyJWT><Issuer>&#x110000;</Issuer></VerifyJWT>', 'a reference other than'],
    ['<VerifyJWT><Issuer ref="a&b"/></VerifyJWT>', 'a reference other than'],
    ['<VerifyJWT><Issuer ref="a<b"/></VerifyJWT>', 'policy.xml '],
    [`<VerifyJWT>${'<a>'.repeat(40)}${'</a>'.repeat(40)}</VerifyJWT>`, 'nested too deeply'],
  ])('what is no VerifyJWT document is refused (case %#)', (xml, message) => {
    const read = readXml(xml);
    expect(faultsOf(read)).toEqual(['policy.xml invalid_xml']);
    expect(messagesOf(read)[0]).toContain(message);
  });

  it.each([
    ['attributes', `<VerifyJWT ${Array.from({ length: 70_000 }, (_, at) => `a${at}="1"`).join(' ')}/>`],
    ['elements', `<VerifyJWT>${'<a/>'.repeat(250_000)}</VerifyJWT>`],
    ['unclosed comments', `<VerifyJWT>${'<!--'.repeat(250_000)}`],
    ['unclosed elements', '<a>'.repeat(330_000)],
  ])('too many %s are not even parsed', (_what, xml) => {
    expect(faultsOf(readXml(xml))).toEqual(['policy.xml invalid_xml']);
    expect(messagesOf(readXml(xml))[0]).toMatch(/holds more than 5000 elements and attributes$/);
  });

  it.each([1, {}, [], true])('xml must be a string, not %j', (xml) => {
    expect(faultsOf(readPolicy({ type: 'policy-verify-jwt', xml }, NAME))).toEqual(['policy.xml wrong_type']);
  });

  it('another type has no member xml', () => {
    const read = readPolicy({ type: 'policy-raise-fault', statusCode: 400, xml: '<RaiseFault/>' }, NAME);
    expect(faultsOf(read)).toEqual(['policy.xml unknown_field']);
  });

  it('reports everything without a place at once, with path and element', () => {
    const xml = `<VerifyJWT name="other" colour="red"><Algorithm>HS256</Algorithm>
      <SecretKey><Value ref="private.k" encoding="hex"/></SecretKey>
      stray
      <Isuer>x</Isuer>
      <Issuer>a<b/></Issuer>
      <Subject>1</Subject><Subject>2</Subject><Subject>3</Subject>
      <MaxLifespan>1h</MaxLifespan><MaxLifespan>2h</MaxLifespan>
      <AdditionalClaims>text<Claim name="a"/><Claim nme="b" name="b"/><Other/></AdditionalClaims>
    </VerifyJWT>`;
    const read = readXml(xml);
    expect(faultsOf(read)).toEqual([
      'policy.name name_mismatch',
      'policy.colour unknown_field',
      'policy invalid',
      'policy.secretKey.encoding unknown_field',
      'policy.Isuer unknown_field',
      'policy.issuer invalid',
      'policy.issuer.b unknown_field',
      'policy.subject duplicate_element',
      'policy.maxLifespan InvalidValueForElement',
      'policy.additionalClaims invalid',
      'policy.additionalClaims.claims[1].nme unknown_field',
      'policy.additionalClaims.Other unknown_field',
    ]);
    expect(messagesOf(read).join('\n')).toContain('element VerifyJWT/AdditionalClaims/Claim has no attribute nme');
  });

  it('has Apigee’s deployment errors, at the paths of the JSON form', () => {
    const xml = `<VerifyJWT enabled="yes"><Algorithm>RS256,HS256</Algorithm><Source/>
      <AdditionalClaims><Claim name="iss" type="JSON" array="yes"/><Claim>x</Claim></AdditionalClaims>
      <AdditionalHeaders><Claim name="alg"/></AdditionalHeaders>
      <SecretKey><Value>hunter2</Value><Id/></SecretKey><TimeAllowance>3w</TimeAllowance></VerifyJWT>`;
    expect(faultsOf(readXml(xml.replace(' enabled="yes"', ''))).sort()).toEqual([
      'policy.additionalClaims.claims[0].array InvalidValueOfArrayAttribute',
      'policy.additionalClaims.claims[0].name InvalidNameForAdditionalClaim',
      'policy.additionalClaims.claims[0].type InvalidTypeForAdditionalClaim',
      'policy.additionalClaims.claims[1].name MissingNameForAdditionalClaim',
      'policy.additionalHeaders.claims[0].name InvalidNameForAdditionalHeader',
      'policy.algorithm InvalidFamiliesForAlgorithm',
      'policy.secretKey.id InvalidConfigurationForVerify',
      'policy.secretKey.value InvalidSecretInConfig',
      'policy.source InvalidEmptyElement',
      'policy.timeAllowance InvalidTimeFormat',
    ]);
    expect(messagesOf(readXml(xml))).toEqual(['policy.active must be a boolean (attribute enabled)']);
    expect(JSON.stringify(readXml(xml.replace(' enabled="yes"', '')))).not.toContain('hunter2');
  });

  it.each([
    ['<SecretKey/>', 'policy.secretKey InvalidKeyConfiguration'],
    ['<SecretKey><Value/></SecretKey>', 'policy.secretKey.ref EmptyElementForKeyConfiguration'],
    ['<SecretKey><Value ref=""/></SecretKey>', 'policy.secretKey.ref EmptyElementForKeyConfiguration'],
    ['<SecretKey><Value ref="k"/></SecretKey>', 'policy.secretKey.ref InvalidVariableNameForSecret'],
    ['<SecretKey encoding="utf8"><Value ref="private.k"/></SecretKey>', 'policy.secretKey.encoding invalid_value'],
    ['', 'policy.secretKey MissingConfigurationElement'],
  ])('a key of %s is %s', (key, fault) => {
    expect(faultsOf(readXml(`<VerifyJWT><Algorithm>HS256</Algorithm>${key}</VerifyJWT>`))).toEqual([fault]);
  });

  it('says what contradicts the document', () => {
    const properties = '<Properties><Property name="gatewarden.condition">a = "b"</Property></Properties>';
    const xml = xmlWith(properties, 'enabled="true"');
    expect(faultsOf(readXml(xml, { active: false, condition: 'a = "c"', issuer: 'x' }))).toEqual([
      'policy.active conflicting_values',
      'policy.condition conflicting_values',
      'policy.issuer unknown_field',
    ]);
    expect(faultsOf(readXml(xml, { active: true, condition: 'a = "b"' }))).toEqual([]);
  });

  it.each([
    ['<Property name="gatewarden.colour">red</Property>', 'policy.colour unknown_field'],
    ['<Property name="gatewarden.forwardVariables">x</Property>', 'policy.forwardVariables invalid'],
    ['<Property name="gatewarden.forwardVariables">[1]</Property>', 'policy.forwardVariables[0] wrong_type'],
    [
      '<Property name="gatewarden.description">a</Property><Property name="gatewarden.description">b</Property>',
      'policy.description duplicate_element',
    ],
  ])('a property of ours is read strictly: %s', (property, fault) => {
    expect(faultsOf(readXml(xmlWith(`<Properties>${property}</Properties>`)))).toEqual([fault]);
  });

  const ENCRYPTED =
    '<Algorithms><Key>dir</Key><Content>A256GCM</Content></Algorithms>' +
    '<DirectKey><Value ref="private.k" encoding="base64"/></DirectKey>' +
    '<PrivateKey><Value ref="private.p"/><Password ref="private.w"/></PrivateKey>' +
    '<PasswordKey><Value ref="private.w"/><SaltLength>8</SaltLength><PBKDF2Iterations>10000</PBKDF2Iterations></PasswordKey>';
  it.each([
    [
      `<VerifyJWT><Type>Encrypted</Type>${ENCRYPTED}</VerifyJWT>`,
      {
        jwtType: 'Encrypted',
        algorithms: { key: 'dir', content: 'A256GCM' },
        directKey: { ref: 'private.k', encoding: 'base64' },
        privateKey: { ref: 'private.p', passwordRef: 'private.w' },
        passwordKey: { ref: 'private.w', saltLength: 8, pbkdf2Iterations: 10_000 },
      },
    ],
    [
      '<VerifyJWT><Algorithm>RS256</Algorithm><PublicKey><JWKS uri="https://idp.example.org/jwks"/></PublicKey></VerifyJWT>',
      { algorithm: 'RS256', publicKey: { jwks: { uri: 'https://idp.example.org/jwks' } } },
    ],
    [
      '<VerifyJWT><Algorithm>RS256</Algorithm><PublicKey><JWKS uriRef="request.header.j"/></PublicKey></VerifyJWT>',
      { algorithm: 'RS256', publicKey: { jwks: { uriRef: 'request.header.j' } } },
    ],
    [
      '<VerifyJWT><Algorithm>RS256</Algorithm><Algorithms><Key>dir</Key></Algorithms></VerifyJWT>',
      { algorithm: 'RS256', algorithms: { key: 'dir' } },
    ],
  ])('what this version cannot do gets the answer that JSON gets (case %#)', (xml, members) => {
    expect(faultsOf(readXml(xml))).not.toEqual([]);
    expect(faultsOf(readXml(xml))).toEqual(faultsOf(readJson(members)));
  });

  it('never throws, whatever it is given', () => {
    const pieces = fc.constantFrom(
      ...[
        '<VerifyJWT>',
        '</VerifyJWT>',
        '<Claim name="a">',
        '</Claim>',
        '<AdditionalClaims>',
        '</AdditionalClaims>',
        '<a',
      ],
      ...[
        '<![CDATA[',
        ']]>',
        '<!--',
        '-->',
        '<?x ',
        '?>',
        '&lt;',
        '&',
        '"',
        "'",
        '=',
        '/>',
        '>',
        ' ',
        'x',
        '<__proto__/>',
      ],
    );
    const documents = fc.oneof(
      fc.string(),
      fc.array(pieces).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(documents, (xml) => {
        expect(readXml(`<VerifyJWT>${xml}</VerifyJWT>`).ok).toBe(false);
        expect(readXml(xml).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

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
    value: someText.map((value) => value.replaceAll('{', '(')),
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
const keys = fc.oneof(
  fc
    .record({ encoding: fc.constantFrom('hex', 'base16', 'base64', 'base64url', null), name: someText })
    .map(({ encoding, name }) => ({
      algorithm: ['HS256', 'HS512'],
      secretKey: { encoding, ref: `private.${name.replaceAll(/[\n\r]/g, '')}x` },
    })),
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
