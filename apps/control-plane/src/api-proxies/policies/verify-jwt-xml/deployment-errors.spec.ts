import { readPolicy } from './read-policy.ts';
import { OF_SISTERS, OF_THE_PAGE } from './testing/deployment-error-names.ts';

interface Case {
  readonly code: (typeof OF_THE_PAGE | typeof OF_SISTERS)[number];
  readonly xml: string;
  readonly json: object;
  readonly field: string;
  readonly text: string;
}

const HS = '<Algorithm>HS256</Algorithm><SecretKey><Value ref="private.k"/></SecretKey>';
const HS_JSON = { algorithm: 'HS256', secretKey: { ref: 'private.k' } };
const RS = '<Algorithm>RS256</Algorithm>';
const RSA_OAEP = '<Algorithms><Key>RSA-OAEP-256</Key></Algorithms>';
const RSA_OAEP_JSON = { algorithms: { key: 'RSA-OAEP-256' } };
const claims = (claim: string) => `${HS}<AdditionalClaims>${claim}</AdditionalClaims>`;
const headers = (claim: string) => `${HS}<AdditionalHeaders>${claim}</AdditionalHeaders>`;
const claimsJson = (claim: object) => ({ ...HS_JSON, additionalClaims: [claim] });
const headersJson = (claim: object) => ({ ...HS_JSON, additionalHeaders: [claim] });

const CASES: readonly Case[] = [
  {
    ...{ code: 'InvalidNameForAdditionalClaim', field: 'policy.additionalClaims.claims[0].name' },
    ...{ xml: claims('<Claim name="iss">x</Claim>'), json: claimsJson({ name: 'iss', value: 'x' }) },
    text: 'Invalid name for additional claim : policy(P) claim(iss).',
  },
  {
    ...{ code: 'InvalidTypeForAdditionalClaim', field: 'policy.additionalClaims.claims[0].type' },
    ...{
      xml: claims('<Claim name="a" type="JSON">x</Claim>'),
      json: claimsJson({ name: 'a', type: 'JSON', value: 'x' }),
    },
    text: 'Invalid type for additional claim : policy(P) claim(a).',
  },
  {
    ...{ code: 'MissingNameForAdditionalClaim', field: 'policy.additionalClaims.claims[0].name' },
    ...{ xml: claims('<Claim>x</Claim>'), json: claimsJson({ value: 'x' }) },
    text: 'Missing name for additional claim : policy(P).',
  },
  {
    ...{ code: 'InvalidNameForAdditionalHeader', field: 'policy.additionalHeaders.claims[0].name' },
    ...{ xml: headers('<Claim name="alg">x</Claim>'), json: headersJson({ name: 'alg', value: 'x' }) },
    text: 'Invalid name for additional header : policy(P) header(alg).',
  },
  {
    ...{ code: 'InvalidTypeForAdditionalHeader', field: 'policy.additionalHeaders.claims[0].type' },
    ...{
      xml: headers('<Claim name="a" type="Map">x</Claim>'),
      json: headersJson({ name: 'a', type: 'Map', value: 'x' }),
    },
    text: 'Invalid type for additional header : policy(P) header(a).',
  },
  {
    ...{ code: 'InvalidValueOfArrayAttribute', field: 'policy.additionalClaims.claims[0].array' },
    ...{
      xml: claims('<Claim name="a" array="yes">x</Claim>'),
      json: claimsJson({ name: 'a', array: 'yes', value: 'x' }),
    },
    text: 'Invalid value of array attribute : policy(P) claim(a).',
  },
  {
    ...{ code: 'InvalidValueOfArrayAttribute', field: 'policy.additionalHeaders.claims[0].array' },
    ...{ xml: headers('<Claim name="a" array="">x</Claim>'), json: headersJson({ name: 'a', array: '', value: 'x' }) },
    text: 'Invalid value of array attribute : policy(P) header(a).',
  },
  {
    ...{ code: 'InvalidValueForElement', field: 'policy.algorithm', json: { ...HS_JSON, algorithm: 'HS257' } },
    xml: HS.replace('HS256', 'HS257'),
    text: 'Invalid value for element : policy(P) element(Algorithm).',
  },
  {
    ...{ code: 'MissingConfigurationElement', field: 'policy.publicKey', xml: RS, json: { algorithm: 'RS256' } },
    text: 'Missing configuration element : policy(P) element(PublicKey).',
  },
  {
    ...{ code: 'MissingConfigurationElement', field: 'policy.secretKey', json: { algorithm: 'HS256' } },
    xml: '<Algorithm>HS256</Algorithm>',
    text: 'Missing configuration element : policy(P) element(SecretKey).',
  },
  {
    ...{ code: 'MissingConfigurationElement', field: 'policy.privateKey', xml: RSA_OAEP, json: RSA_OAEP_JSON },
    text: 'Missing configuration element : policy(P) element(PrivateKey).',
  },
  {
    ...{ code: 'InvalidKeyConfiguration', field: 'policy.secretKey', json: { ...HS_JSON, secretKey: {} } },
    xml: '<Algorithm>HS256</Algorithm><SecretKey/>',
    text: 'Invalid key configuration : policy(P) element(SecretKey).',
  },
  {
    ...{ code: 'InvalidKeyConfiguration', field: 'policy.privateKey', json: { ...RSA_OAEP_JSON, privateKey: {} } },
    xml: `${RSA_OAEP}<PrivateKey/>`,
    text: 'Invalid key configuration : policy(P) element(PrivateKey).',
  },
  {
    ...{ code: 'EmptyElementForKeyConfiguration', field: 'policy.secretKey.ref' },
    ...{ xml: HS.replace('private.k', ''), json: { ...HS_JSON, secretKey: { ref: '' } } },
    text: 'Empty element for key configuration : policy(P) element(SecretKey).',
  },
  {
    ...{ code: 'EmptyElementForKeyConfiguration', field: 'policy.privateKey.ref' },
    ...{ xml: `${RSA_OAEP}<PrivateKey><Value/></PrivateKey>`, json: { ...RSA_OAEP_JSON, privateKey: { ref: '' } } },
    text: 'Empty element for key configuration : policy(P) element(PrivateKey).',
  },
  {
    ...{ code: 'InvalidConfigurationForVerify', field: 'policy.secretKey.id' },
    xml: HS.replace('</SecretKey>', '<Id>k1</Id></SecretKey>'),
    json: { ...HS_JSON, secretKey: { ref: 'private.k', id: 'k1' } },
    text: 'Invalid configuration for verify : policy(P) element(Id).',
  },
  {
    ...{ code: 'InvalidEmptyElement', field: 'policy.source', xml: `${HS}<Source/>`, json: { ...HS_JSON, source: '' } },
    text: 'Invalid empty element : policy(P) element(Source).',
  },
  {
    ...{ code: 'InvalidPublicKeyValue', field: 'policy.publicKey.jwks' },
    xml: `${RS}<PublicKey><JWKS>{"kty":"RSA"}</JWKS></PublicKey>`,
    json: { algorithm: 'RS256', publicKey: { jwks: '{"kty":"RSA"}' } },
    text: 'Invalid public key value : policy(P) element(PublicKey).',
  },
  {
    ...{ code: 'InvalidConfigurationForActionAndAlgorithm', field: 'policy.secretKey' },
    ...{ xml: HS.replace('HS256', 'RS256'), json: { ...HS_JSON, algorithm: 'RS256' } },
    text: 'Invalid configuration for action and algorithm : policy(P) element(SecretKey).',
  },
  {
    ...{ code: 'InvalidConfigurationForActionAndAlgorithm', field: 'policy.privateKey' },
    xml: '<Algorithm>HS256</Algorithm><PrivateKey><Value ref="private.k"/></PrivateKey>',
    json: { algorithm: 'HS256', privateKey: { ref: 'private.k' } },
    text: 'Invalid configuration for action and algorithm : policy(P) element(PrivateKey).',
  },
  {
    ...{ code: 'InvalidConfigurationForActionAndAlgorithm', field: 'policy.jwtType' },
    ...{ xml: `${HS}<Type>Encrypted</Type>`, json: { ...HS_JSON, jwtType: 'Encrypted' } },
    text: 'Invalid configuration for action and algorithm : policy(P) element(Algorithms).',
  },
  {
    ...{ code: 'InvalidVariableNameForSecret', field: 'policy.secretKey.ref' },
    ...{ xml: HS.replace('private.k', 'k'), json: { ...HS_JSON, secretKey: { ref: 'k' } } },
    text: 'Invalid variable name for secret : policy(P) element(SecretKey).',
  },
  {
    ...{ code: 'InvalidSecretInConfig', field: 'policy.privateKey.password' },
    xml: `${RSA_OAEP}<PrivateKey><Value ref="private.k"/><Password>hush</Password></PrivateKey>`,
    json: { ...RSA_OAEP_JSON, privateKey: { ref: 'private.k', password: 'hush' } },
    text: 'Invalid secret in config : policy(P) element(Password).',
  },
  {
    ...{ code: 'InvalidTimeFormat', field: 'policy.timeAllowance', json: { ...HS_JSON, timeAllowance: '30' } },
    xml: `${HS}<TimeAllowance>30</TimeAllowance>`,
    text: 'Invalid time format : policy(P) element(TimeAllowance).',
  },
  {
    ...{ code: 'InvalidFamiliesForAlgorithm', field: 'policy.algorithm' },
    ...{ xml: HS.replace('HS256', 'HS256, RS256'), json: { ...HS_JSON, algorithm: ['HS256', 'RS256'] } },
    text: 'Invalid families for algorithm : policy(P) element(Algorithm).',
  },
  {
    ...{ code: 'MissingNameForAdditionalHeader', field: 'policy.additionalHeaders.claims[0].name' },
    ...{ xml: headers('<Claim name=" ">x</Claim>'), json: headersJson({ name: ' ', value: 'x' }) },
    text: 'Missing name for additional header : policy(P).',
  },
  {
    ...{ code: 'InvalidConfiguration', field: 'policy.algorithms', json: { ...HS_JSON, ...RSA_OAEP_JSON } },
    xml: `${HS}${RSA_OAEP}`,
    text: 'Invalid configuration : policy(P) element(Algorithms).',
  },
];

describe('a deployment error of Apigee', () => {
  it.each(CASES)(
    '$code at $field is made by XML and by JSON, in the same words',
    ({ code, xml, json, field, text }) => {
      const fromXml = readPolicy({ type: 'policy-verify-jwt', xml: `<VerifyJWT name="P">${xml}</VerifyJWT>` }, 'P');
      const fromJson = readPolicy({ type: 'policy-verify-jwt', ...json }, 'P');
      const expected = { ok: false, faults: [{ field, code, message: text }] };
      expect(fromXml).toEqual(expected);
      expect(fromJson).toEqual(expected);
    },
  );

  it('has a case here, each of the page’s fourteen and of its sisters’', () => {
    const codes = [...new Set(CASES.map(({ code }) => code))];
    expect(codes.sort()).toEqual([...OF_THE_PAGE, ...OF_SISTERS].sort());
    expect(OF_THE_PAGE).toHaveLength(14);
  });
});
