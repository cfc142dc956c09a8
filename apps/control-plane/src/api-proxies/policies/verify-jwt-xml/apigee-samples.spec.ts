import type { VerifyJwtContract } from '#libs/policy-contracts';
import { readPolicy } from './read-policy.ts';
import { verifyJwtToXml } from './verify-jwt-to-xml.ts';

const read = (xml: string, name = 'JWT') => readPolicy({ type: 'policy-verify-jwt', xml }, name);

function accepted(xml: string, name?: string): VerifyJwtContract {
  const parsed = read(xml, name);
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.value as VerifyJwtContract;
}

function faultsOf(xml: string, name?: string): string[] {
  const parsed = read(xml, name);
  return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
}

/** Written and read again it is the policy that it was. */
function comesBack(xml: string, name: string): void {
  const policy = accepted(xml, name);
  expect(accepted(verifyJwtToXml(name, policy), name)).toEqual(policy);
}

/** A document around what Apigee's page shows as a part of one, its attributes in single quotes. */
const around = (
  elements: string,
): string => `<VerifyJWT name='JWT' continueOnError='false' enabled='true' async='false'>
  <Algorithm>RS256, PS256</Algorithm>
  <PublicKey>
    <Value ref='public.publickey'/>
  </PublicKey>
  ${elements}
</VerifyJWT>`;

/** Google's page of the policy, sample by sample. */
describe('what Apigee’s page of VerifyJWT shows', () => {
  it('a policy with an RS256 key in a variable', () => {
    const xml = `<VerifyJWT name="JWT-Verify-RS256">
      <Algorithm>RS256</Algorithm>
      <Source>request.formparam.jwt</Source>
      <IgnoreUnresolvedVariables>false</IgnoreUnresolvedVariables>
      <PublicKey>
        <Value ref="public.publickey"/>
      </PublicKey>
      <Subject>apigee-seattle-hatrack-montage</Subject>
      <Issuer>urn://apigee-edge-JWT-policy-test</Issuer>
      <Audience>urn://c60511c0-12a2-473c-80fd-42528eb65a6a</Audience>
      <AdditionalClaims>
        <Claim name="show">And now for something completely different.</Claim>
      </AdditionalClaims>
    </VerifyJWT>`;
    expect(accepted(xml, 'JWT-Verify-RS256')).toMatchObject({
      ...{ algorithm: ['RS256'], source: 'request.formparam.jwt', publicKey: { value: { ref: 'public.publickey' } } },
      ...{
        subject: { value: 'apigee-seattle-hatrack-montage' },
        issuer: { value: 'urn://apigee-edge-JWT-policy-test' },
      },
      audience: { value: 'urn://c60511c0-12a2-473c-80fd-42528eb65a6a' },
      additionalClaims: { claims: [{ name: 'show', value: 'And now for something completely different.' }] },
    });
    comesBack(xml, 'JWT-Verify-RS256');
  });

  it('a policy with an HS256 key in a variable', () => {
    const xml = `<VerifyJWT name="JWT-Verify-HS256">
      <DisplayName>JWT Verify HS256</DisplayName>
      <Algorithm>HS256</Algorithm>
      <Source>request.formparam.jwt</Source>
      <IgnoreUnresolvedVariables>false</IgnoreUnresolvedVariables>
      <SecretKey encoding="base64">
        <Value ref="private.secretkey"/>
      </SecretKey>
      <Subject>monty-pythons-flying-circus</Subject>
      <Issuer>urn://apigee-edge-JWT-policy-test</Issuer>
      <Audience>fans</Audience>
      <AdditionalClaims>
        <Claim name="show">And now for something completely different.</Claim>
      </AdditionalClaims>
    </VerifyJWT>`;
    expect(accepted(xml, 'JWT-Verify-HS256')).toMatchObject({
      ...{ algorithm: ['HS256'], secretKey: { ref: 'private.secretkey', encoding: 'base64' } },
      audience: { value: 'fans' },
    });
    comesBack(xml, 'JWT-Verify-HS256');
  });

  it('a policy for encrypted tokens', () => {
    const xml = `<VerifyJWT name="vjwt-1">
      <Algorithms>
        <Key>RSA-OAEP-256</Key>
        <Content>A128GCM</Content>
      </Algorithms>
      <Type>Encrypted</Type>
      <PrivateKey>
        <Value ref="private.rsa_privatekey"/>
      </PrivateKey>
      <Subject>subject@example.com</Subject>
      <Issuer>urn://apigee</Issuer>
      <AdditionalHeaders>
        <Claim name="moniker">Harvey</Claim>
      </AdditionalHeaders>
      <TimeAllowance>30s</TimeAllowance>
      <Source>input_var</Source>
    </VerifyJWT>`;
    expect(accepted(xml, 'vjwt-1')).toMatchObject({
      ...{ jwtType: 'Encrypted', algorithms: { key: 'RSA-OAEP-256', content: 'A128GCM' } },
      ...{ privateKey: { ref: 'private.rsa_privatekey' }, source: 'input_var', timeAllowance: { value: '30s' } },
      additionalHeaders: { claims: [{ name: 'moniker', value: 'Harvey' }] },
    });
    comesBack(xml, 'vjwt-1');
  });

  const publicKey = (child: string) => `<Algorithm>RS256</Algorithm><PublicKey>${child}</PublicKey>`;
  const encrypted = (key: string, element: string) =>
    `<Algorithms><Key>${key}</Key></Algorithms><Type>Encrypted</Type>${element}`;
  it.each<[string, object]>([
    [
      '<Algorithm>HS256</Algorithm><SecretKey encoding="hex" ><Value ref="private.secretkey"/></SecretKey>',
      { secretKey: { ref: 'private.secretkey', encoding: 'hex' } },
    ],
    [publicKey('<Value ref="rsa_public_key_or_value"/>'), { publicKey: { value: { ref: 'rsa_public_key_or_value' } } }],
    [
      publicKey('<Certificate ref="signed_cert_val_ref"/>'),
      { publicKey: { certificate: { ref: 'signed_cert_val_ref' } } },
    ],
    [publicKey('<JWKS ref="jwks_val_or_ref"/>'), { publicKey: { jwks: { ref: 'jwks_val_or_ref' } } }],
    [
      publicKey('<JWKS uri="https://example.com/uri-that-returns-a-jwks"/>'),
      { publicKey: { jwks: { uri: 'https://example.com/uri-that-returns-a-jwks' } } },
    ],
    [
      publicKey('<JWKS uriRef="variable-containing-a-uri-that-returns-a-jwks"/>'),
      { publicKey: { jwks: { uriRef: 'variable-containing-a-uri-that-returns-a-jwks' } } },
    ],
    [
      encrypted('ECDH-ES+A128KW', '<PrivateKey><Value ref="private.ec_privatekey"/></PrivateKey>'),
      { privateKey: { ref: 'private.ec_privatekey' } },
    ],
    [
      encrypted(
        'RSA-OAEP-256',
        '<PrivateKey><Password ref="private.privatekey-password"/><Value ref="private.variable-name-here"/></PrivateKey>',
      ),
      { privateKey: { ref: 'private.variable-name-here', passwordRef: 'private.privatekey-password' } },
    ],
    [
      encrypted('A128KW', '<SecretKey encoding="base16"><Value ref="private.flow-variable-name-here"/></SecretKey>'),
      { secretKey: { ref: 'private.flow-variable-name-here', encoding: 'base16' } },
    ],
    [
      // The page leaves these two open.
      encrypted(
        'PBES2-HS256+A128KW',
        '<PasswordKey><Value ref="private.password-key"/><SaltLength/><PBKDF2Iterations/></PasswordKey>',
      ),
      { passwordKey: { ref: 'private.password-key' } },
    ],
    [
      encrypted('dir', '<DirectKey><Value encoding="base64url" ref="private.directkey"/></DirectKey>'),
      { directKey: { ref: 'private.directkey', encoding: 'base64url' } },
    ],
  ])('the key of %s', (elements, members) => {
    const xml = `<VerifyJWT>${elements}</VerifyJWT>`;
    expect(accepted(xml)).toMatchObject(members);
    comesBack(xml, 'JWT');
  });

  it.each<[string, object]>([
    ['<DisplayName>Policy Display Name</DisplayName>', { displayName: 'Policy Display Name' }],
    [`<Audience ref='variable-name-here'/>`, { audience: { ref: 'variable-name-here' } }],
    ['<Id/>', { id: undefined }],
    [`<Id ref='variable-name-here'/>`, { id: { ref: 'variable-name-here' } }],
    [
      `<AdditionalClaims>
        <Claim name='claim1'>explicit-value-of-claim-here</Claim>
        <Claim name='claim2' ref='variable-name-here'/>
        <Claim name='claim3' ref='variable-name-here' type='boolean'/>
      </AdditionalClaims>`,
      {
        additionalClaims: {
          claims: [
            { name: 'claim1', value: 'explicit-value-of-claim-here', type: 'string', array: false },
            { name: 'claim2', ref: 'variable-name-here', type: 'string', array: false },
            { name: 'claim3', ref: 'variable-name-here', type: 'boolean', array: false },
          ],
        },
      },
    ],
    [`<AdditionalClaims ref='claim_payload'/>`, { additionalClaims: { ref: 'claim_payload', claims: [] } }],
    [
      `<AdditionalHeaders><Claim name='claim4' ref='variable-name' type='string' array='true'/></AdditionalHeaders>`,
      { additionalHeaders: { claims: [{ name: 'claim4', ref: 'variable-name', type: 'string', array: true }] } },
    ],
    ['<IgnoreCriticalHeaders>true</IgnoreCriticalHeaders>', { ignoreCriticalHeaders: true }],
    ['<KnownHeaders>a,b,c</KnownHeaders>', { knownHeaders: { value: ['a', 'b', 'c'] } }],
    [`<KnownHeaders ref='variable_containing_headers'/>`, { knownHeaders: { ref: 'variable_containing_headers' } }],
    [
      `<!-- fallback --><Issuer ref='variable-containing-issuer'>fallback-value-here</Issuer>`,
      { issuer: { ref: 'variable-containing-issuer', value: 'fallback-value-here' } },
    ],
    ['<MaxLifespan>5m</MaxLifespan>', { maxLifespan: { value: '5m', useIssueTime: false } }],
    [`<MaxLifespan ref='variable-here'/>`, { maxLifespan: { ref: 'variable-here', useIssueTime: false } }],
    [
      `<MaxLifespan useIssueTime='true' ref='variable-here'>1h</MaxLifespan>`,
      { maxLifespan: { ref: 'variable-here', value: '1h', useIssueTime: true } },
    ],
    ['<RequiredClaims>sub,iss,exp</RequiredClaims>', { requiredClaims: { value: ['sub', 'iss', 'exp'] } }],
    [`<TimeAllowance ref='variable'>30s</TimeAllowance>`, { timeAllowance: { ref: 'variable', value: '30s' } }],
    ['<CustomClaims/>', {}],
  ])('%s', (elements, members) => {
    const expected = { algorithm: ['RS256', 'PS256'], publicKey: { value: { ref: 'public.publickey' } }, ...members };
    expect(accepted(around(elements))).toMatchObject(expected);
    comesBack(around(elements), 'JWT');
  });

  it.each([
    [`<AdditionalClaims><Claim name='jti'>x</Claim></AdditionalClaims>`, 'InvalidNameForAdditionalClaim'],
    [`<AdditionalClaims><Claim name='a' type='JSON'>x</Claim></AdditionalClaims>`, 'InvalidTypeForAdditionalClaim'],
    ['<AdditionalClaims><Claim>x</Claim></AdditionalClaims>', 'MissingNameForAdditionalClaim'],
    [`<AdditionalHeaders><Claim name='typ'>x</Claim></AdditionalHeaders>`, 'InvalidNameForAdditionalHeader'],
    [`<AdditionalHeaders><Claim name='a' type=''>x</Claim></AdditionalHeaders>`, 'InvalidTypeForAdditionalHeader'],
    [`<AdditionalClaims><Claim name='a' array='yes'>x</Claim></AdditionalClaims>`, 'InvalidValueOfArrayAttribute'],
    ['<Source></Source>', 'InvalidEmptyElement'],
    ['<MaxLifespan>1h</MaxLifespan><MaxLifespan>2h</MaxLifespan>', 'InvalidValueForElement'],
    ['<MaxLifespan>1y</MaxLifespan>', 'InvalidTimeFormat'],
  ])('%s does not deploy: %s', (elements, code) => {
    expect(faultsOf(around(elements)).map((fault) => fault.split(' ')[1])).toEqual([code]);
  });

  it.each([
    ['<Algorithm>RS256</Algorithm>', 'MissingConfigurationElement'],
    ['<Algorithm>HS256</Algorithm><SecretKey encoding="hex"/>', 'InvalidKeyConfiguration'],
    ['<Algorithm>HS256</Algorithm><SecretKey><Value ref=""/></SecretKey>', 'EmptyElementForKeyConfiguration'],
    ['<Algorithm>HS257</Algorithm><SecretKey><Value ref="private.k"/></SecretKey>', 'InvalidValueForElement'],
    [
      '<Algorithm>HS256</Algorithm><SecretKey><Value ref="private.k"/><Id>1</Id></SecretKey>',
      'InvalidConfigurationForVerify',
    ],
    ['<Algorithm>RS256</Algorithm><PublicKey><JWKS>{"kty":"RSA"}</JWKS></PublicKey>', 'InvalidPublicKeyValue'],
    [
      '<Algorithm>RS256</Algorithm><SecretKey><Value ref="private.k"/></SecretKey>',
      'InvalidConfigurationForActionAndAlgorithm',
    ],
    ['<Algorithm>ES256,RS256</Algorithm><PublicKey><Value ref="k"/></PublicKey>', 'InvalidFamiliesForAlgorithm'],
    [
      '<Algorithm>HS256</Algorithm><PrivateKey><Value ref="private.k"/></PrivateKey>',
      'InvalidConfigurationForActionAndAlgorithm',
    ],
    ['<Algorithms><Key>RSA-OAEP-256</Key></Algorithms>', 'MissingConfigurationElement'],
    ['<Algorithms><Key>RSA-OAEP-256</Key></Algorithms><PrivateKey/>', 'InvalidKeyConfiguration'],
    [
      '<Algorithms><Key>RSA-OAEP-256</Key></Algorithms><PrivateKey><Value/></PrivateKey>',
      'EmptyElementForKeyConfiguration',
    ],
    [
      '<Algorithms><Key>RSA-OAEP</Key></Algorithms><PrivateKey><Value ref="private.k"/></PrivateKey>',
      'InvalidValueForElement',
    ],
    [
      '<Algorithms><Key>RSA-OAEP-256</Key></Algorithms><SecretKey><Value ref="private.k"/></SecretKey>',
      'InvalidConfigurationForActionAndAlgorithm',
    ],
    ['<Algorithm>RS256</Algorithm><Algorithms><Key>dir</Key></Algorithms>', 'InvalidConfiguration'],
    [
      '<Type>Signed</Type><Algorithms><Key>dir</Key></Algorithms><DirectKey><Value ref="private.k"/></DirectKey>',
      'InvalidConfigurationForActionAndAlgorithm',
    ],
    ['', 'MissingConfigurationElement'],
  ])('the key of %s does not deploy: %s', (elements, code) => {
    expect(faultsOf(`<VerifyJWT>${elements}</VerifyJWT>`).map((fault) => fault.split(' ')[1])).toEqual([code]);
  });
});
