import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import type { VerifyJwtContract } from '#libs/policy-contracts';
import { readPolicy } from './read-policy.ts';

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
    [
      '<JWKS uri="https://idp.example.org/jwks?a=1&amp;b=2"/>',
      { jwks: { uri: 'https://idp.example.org/jwks?a=1&b=2' } },
    ],
    ['<JWKS uriRef="public.jwks_uri"/>', { jwks: { uriRef: 'public.jwks_uri' } }],
  ])('a public key is the same key as in JSON (case %#)', (child, key) => {
    const xml = `<VerifyJWT><Algorithm>RS256,PS256</Algorithm><PublicKey>${child}</PublicKey></VerifyJWT>`;
    expect(accepted(readXml(xml))).toEqual(accepted(readJson({ algorithm: ['RS256', 'PS256'], publicKey: key })));
  });

  it.each([
    ['RSA-OAEP-256', '<PrivateKey><Value ref="private.k"/></PrivateKey>', { privateKey: { ref: 'private.k' } }],
    [
      'ECDH-ES+A256KW',
      '<PrivateKey><Password ref="private.p"/><Value ref="private.k"/></PrivateKey>',
      { privateKey: { ref: 'private.k', passwordRef: 'private.p' } },
    ],
    [
      'A128GCMKW',
      '<SecretKey encoding="base64url"><Value ref="private.k"/></SecretKey>',
      { secretKey: { ref: 'private.k', encoding: 'base64url' } },
    ],
    [
      'PBES2-HS256+A128KW',
      '<PasswordKey><Value ref="private.k"/></PasswordKey>',
      { passwordKey: { ref: 'private.k' } },
    ],
    [
      'PBES2-HS512+A256KW',
      '<PasswordKey><Value ref="private.k"/><SaltLength> 16 </SaltLength><PBKDF2Iterations>20000</PBKDF2Iterations></PasswordKey>',
      { passwordKey: { ref: 'private.k', saltLength: 16, pbkdf2Iterations: 20_000 } },
    ],
    [
      'dir',
      '<DirectKey><Value encoding="base16" ref="private.k"/></DirectKey>',
      { directKey: { ref: 'private.k', encoding: 'base16' } },
    ],
  ])('the key of an encrypted token under %s is the same key as in JSON (%s)', (key, element, member) => {
    const xml = `<VerifyJWT><Algorithms><Key>${key}</Key><Content> A128GCM </Content></Algorithms><Type>Encrypted</Type>${element}</VerifyJWT>`;
    const json = { algorithms: { key, content: 'A128GCM' }, jwtType: 'Encrypted', ...member };
    expect(accepted(readXml(xml))).toEqual(accepted(readJson(json)));
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

  it('accepts elements that nobody knows, with a warning each', () => {
    const read = readXml(xmlWith('<Compress/><NotBefore>1h</NotBefore><Unknown><Claim name="a"/></Unknown>'));
    expect(accepted(read)).toEqual(accepted(readJson(HS256)));
    expect(warningsOf(read)).toEqual(['policy.Compress', 'policy.NotBefore', 'policy.Unknown']);
    const message = 'element VerifyJWT/Compress is not known: it has no effect and is not stored';
    expect(read.ok && read.warnings[0]?.message).toBe(message);
    const key = '<PublicKey><Id>k1</Id><Value ref="public.k"/><Other/></PublicKey>';
    const withKey = readXml(`<VerifyJWT><Algorithm>RS256</Algorithm>${key}</VerifyJWT>`);
    expect(accepted(withKey)).toMatchObject({ publicKey: { value: { ref: 'public.k' } } });
    expect(warningsOf(withKey)).toEqual(['policy.publicKey.id', 'policy.publicKey.Other']);
    expect(warningsOf(readXml(xmlWith('<displayname>x</displayname>')))).toEqual(['policy.displayname']);
  });

  it('takes the first of an element that is repeated at the top, with a warning', () => {
    const read = readXml(xmlWith('<Subject>1</Subject><Issuer>a</Issuer><Subject>2</Subject><Subject>3</Subject>'));
    expect(accepted(read)).toEqual(accepted(readJson({ ...HS256, subject: '1', issuer: 'a' })));
    expect(warningsOf(read)).toEqual(['policy.subject']);
  });

  it('warns of an element that would check something, were it not empty', () => {
    const key =
      '<PasswordKey><Value ref="private.k"/><SaltLength/><PBKDF2Iterations> </PBKDF2Iterations></PasswordKey>';
    const algorithms = '<Algorithms><Key>PBES2-HS256+A128KW</Key><Content/></Algorithms>';
    expect(warningsOf(readXml(`<VerifyJWT>${algorithms}${key}</VerifyJWT>`)).sort()).toEqual([
      'policy.algorithms.content',
      'policy.passwordKey.pbkdf2Iterations',
      'policy.passwordKey.saltLength',
    ]);
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
      'policy.maxLifespan InvalidValueForElement',
      'policy.additionalClaims invalid',
      'policy.additionalClaims.claims[1].nme unknown_field',
      'policy.additionalClaims.Other unknown_field',
    ]);
    expect(messagesOf(read).join('\n')).toContain('element VerifyJWT/AdditionalClaims/Claim has no attribute nme');
  });

  it.each([
    ['<issuer>x</issuer>', 'policy.issuer', 'Issuer'],
    ['<ISSUER>x</ISSUER>', 'policy.ISSUER', 'Issuer'],
    ['<Isuer>x</Isuer>', 'policy.Isuer', 'Issuer'],
    ['<Isseur>x</Isseur>', 'policy.Isseur', 'Issuer'],
    ['<Issuers>x</Issuers>', 'policy.Issuers', 'Issuer'],
    ['<Aud>x</Aud>', 'policy.Aud', 'Audience'],
    ['<id>x</id>', 'policy.id', 'Id'],
    ['<Kid>x</Kid>', 'policy.Kid', 'Id'],
    ['<MaxLifeSpan>1h</MaxLifeSpan>', 'policy.MaxLifeSpan', 'MaxLifespan'],
    ['<RequiredClaim>sub</RequiredClaim>', 'policy.RequiredClaim', 'RequiredClaims'],
    ['<AdditionalClaims><claim name="a">x</claim></AdditionalClaims>', 'policy.additionalClaims.claim', 'Claim'],
    ['<properties/>', 'policy.properties', 'Properties'],
  ])('a slip of the pen would lose a check, so %s is refused', (elements, field, meant) => {
    const read = readXml(xmlWith(elements));
    expect(faultsOf(read)).toEqual([`${field} unknown_field`]);
    expect(messagesOf(read)[0]).toMatch(new RegExp(` Did you mean ${meant}\\?$`));
  });

  it.each([
    ['<Claim name="role">admin</Claim>', 'policy.Claim', 'AdditionalClaims, AdditionalHeaders'],
    ['<JWKS uri="https://a.example"/>', 'policy.JWKS', 'PublicKey'],
    ['<Password ref="private.p"/>', 'policy.Password', 'PrivateKey'],
  ])('what stands elsewhere has no meaning here: %s is refused', (elements, field, places) => {
    const read = readXml(xmlWith(elements));
    expect(faultsOf(read)).toEqual([`${field} misplaced_element`]);
    expect(messagesOf(read)[0]).toMatch(new RegExp(`it stands in ${places}$`));
  });

  it('no element stands in one that holds text', () => {
    expect(faultsOf(readXml(xmlWith('<Issuer><Value>x</Value></Issuer>')))).toEqual(['policy.issuer invalid']);
  });

  it('what stands twice inside a key is refused', () => {
    const twice = (elements: string) => faultsOf(readXml(`<VerifyJWT>${elements}</VerifyJWT>`));
    expect(twice('<Algorithm>RS256</Algorithm><PublicKey><Value ref="a"/><Value ref="b"/></PublicKey>')).toEqual([
      'policy.publicKey.value InvalidKeyConfiguration',
    ]);
    expect(
      twice('<Algorithm>HS256</Algorithm><SecretKey><Value ref="private.a"/><Value ref="private.b"/></SecretKey>'),
    ).toEqual(['policy.secretKey duplicate_element']);
  });

  it.each([
    [
      '<VerifyJWT name="${name}"><Issuer>x</Issuer></VerifyJWT>',
      ['policy.name name_mismatch', 'policy.algorithm MissingConfigurationElement'],
    ],
    [
      xmlWith('<Issuer>${issuer}</Issuer>', 'continueOnError="${soft}"'),
      [
        'policy.continueOnError wrong_type',
        'policy.issuer.value unexpanded_template',
        'policy.continueOnError unexpanded_template',
      ],
    ],
    [xmlWith('<Audience ref="##AUDIENCE##"/>'), ['policy.audience.ref unexpanded_template']],
  ])('a template that no build has expanded is refused: %s', (xml, faults) => {
    expect(faultsOf(readXml(xml)).sort()).toEqual([...faults].sort());
  });

  it.each(['<VerifyJWT name="<%= name %>"/>', '<VerifyJWT><% if a %></VerifyJWT>', '##BEGIN##<VerifyJWT/>'])(
    'a template that is no XML is called one: %s',
    (xml) => {
      expect(messagesOf(readXml(xml))[0]).toMatch(/; it holds a template \(/);
    },
  );

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
    expect(messagesOf(readXml(xml))).toEqual([
      'policy.active must be a boolean (attribute enabled)',
      ...messagesOf(readXml(xml.replace(' enabled="yes"', ''))),
    ]);
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
    ['<Property name="gatewarden.cacheVerifiedTokens">no</Property>', 'policy.cacheVerifiedTokens wrong_type'],
    [
      '<Property name="gatewarden.description">a</Property><Property name="gatewarden.description">b</Property>',
      'policy.description duplicate_element',
    ],
  ])('a property of ours is read strictly: %s', (property, fault) => {
    expect(faultsOf(readXml(xmlWith(`<Properties>${property}</Properties>`)))).toEqual([fault]);
  });

  it.each([
    ['<PrivateKey/>', 'policy.privateKey InvalidKeyConfiguration'],
    ['<PrivateKey><Password ref="private.p"/></PrivateKey>', 'policy.privateKey InvalidKeyConfiguration'],
    ['<PrivateKey><Value/></PrivateKey>', 'policy.privateKey.ref EmptyElementForKeyConfiguration'],
    ['<PrivateKey><Value ref=""/></PrivateKey>', 'policy.privateKey.ref EmptyElementForKeyConfiguration'],
    ['<PrivateKey><Value ref="k"/></PrivateKey>', 'policy.privateKey.ref InvalidVariableNameForSecret'],
    ['<PrivateKey><Value>hunter2</Value></PrivateKey>', 'policy.privateKey.value InvalidSecretInConfig'],
    [
      '<PrivateKey><Value ref="private.k"/><Password>hunter2</Password></PrivateKey>',
      'policy.privateKey.password InvalidSecretInConfig',
    ],
    [
      '<PrivateKey><Value ref="private.k"/><Password/></PrivateKey>',
      'policy.privateKey.passwordRef EmptyElementForKeyConfiguration',
    ],
    ['<SecretKey><Value ref="private.k"/></SecretKey>', 'policy.secretKey InvalidConfigurationForActionAndAlgorithm'],
    ['', 'policy.privateKey MissingConfigurationElement'],
  ])('the key of an encrypted token of %s is %s', (key, fault) => {
    const xml = `<VerifyJWT><Algorithms><Key>RSA-OAEP-256</Key></Algorithms>${key}</VerifyJWT>`;
    expect(faultsOf(readXml(xml))).toEqual([fault]);
    expect(JSON.stringify(readXml(xml))).not.toContain('hunter2');
  });

  it.each([
    ['<DirectKey encoding="hex"><Value ref="private.k"/></DirectKey>', 'policy.directKey.encoding unknown_field'],
    ['<DirectKey><Value encoding="rot13" ref="private.k"/></DirectKey>', 'policy.directKey.encoding invalid_value'],
    ['<DirectKey><Value>hunter2</Value></DirectKey>', 'policy.directKey.value InvalidSecretInConfig'],
  ])('the direct key %s is %s', (key, fault) => {
    expect(faultsOf(readXml(`<VerifyJWT><Algorithms><Key>dir</Key></Algorithms>${key}</VerifyJWT>`))).toEqual([fault]);
  });

  it.each([
    ['<SaltLength>x</SaltLength>', 'policy.passwordKey.saltLength wrong_type'],
    ['<SaltLength>0</SaltLength>', 'policy.passwordKey.saltLength out_of_range'],
    ['<PBKDF2Iterations>1e3</PBKDF2Iterations>', 'policy.passwordKey.pbkdf2Iterations wrong_type'],
    ['<PBKDF2Iterations>1000001</PBKDF2Iterations>', 'policy.passwordKey.pbkdf2Iterations out_of_range'],
    ['<Saltlength>8</Saltlength>', 'policy.passwordKey.Saltlength unknown_field'],
  ])('the number in %s is %s', (element, fault) => {
    const key = `<PasswordKey><Value ref="private.k"/>${element}</PasswordKey>`;
    const xml = `<VerifyJWT><Algorithms><Key>PBES2-HS256+A128KW</Key></Algorithms>${key}</VerifyJWT>`;
    expect(faultsOf(readXml(xml))).toEqual([fault]);
  });

  it.each([
    [
      '<VerifyJWT><Algorithm>RS256</Algorithm><PublicKey><JWKS uriRef="request.header.j"/></PublicKey></VerifyJWT>',
      { algorithm: 'RS256', publicKey: { jwks: { uriRef: 'request.header.j' } } },
    ],
    [
      '<VerifyJWT><Algorithm>RS256</Algorithm><PublicKey><JWKS uri="/jwks"/></PublicKey></VerifyJWT>',
      { algorithm: 'RS256', publicKey: { jwks: { uri: '/jwks' } } },
    ],
    [
      '<VerifyJWT><Algorithm>RS256</Algorithm><Algorithms><Key>dir</Key></Algorithms></VerifyJWT>',
      { algorithm: 'RS256', algorithms: { key: 'dir' } },
    ],
  ])('what is refused in XML is refused in JSON by the same name (case %#)', (xml, members) => {
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
