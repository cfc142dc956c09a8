import { placed } from '../testing/artifacts.ts';
import { RS256_POLICY } from '../testing/judge-token.ts';
import { environmentVariablesOf, referencedVariables } from './referenced-variables.ts';

const referencedBy = (policy: object): string[] =>
  referencedVariables(placed('P', { type: 'policy-verify-jwt', ...policy }).policy).sort();

describe('the variables that a policy-verify-jwt may read', () => {
  it.each([
    ['its source', { ...RS256_POLICY, source: 'request.formparam.jwt' }, ['request.formparam.jwt']],
    [
      'private key and password',
      { algorithms: { key: 'RSA-OAEP-256' }, privateKey: { ref: 'private.a', passwordRef: 'private.b' } },
      ['private.a', 'private.b'],
    ],
    ['an address', { algorithm: 'RS256', publicKey: { jwks: { uriRef: 'flow.keys' } } }, ['flow.keys']],
    [
      'the template of a map, and nothing like one in other types',
      {
        ...RS256_POLICY,
        additionalClaims: [
          { name: 'a', type: 'map', value: '{"b":"{request.formparam.c}"}', ref: 'd' },
          { name: 'e', value: '{f}' },
        ],
        additionalHeaders: [{ name: 'g', type: 'map', value: '{"h":"{i}"}' }],
      },
      ['d', 'i', 'request.formparam.c'],
    ],
  ])('%s', (_what, policy, expected) => {
    expect(referencedBy(policy)).toEqual(expected);
  });
});

const readBy = (...policies: readonly object[]): string[] =>
  [...environmentVariablesOf(policies.map((policy) => placed('P', policy).policy))].sort();
const RAISED = { type: 'policy-raise-fault', statusCode: 403 };
const ISSUED = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' };

describe('the environment variables that a proxy may read', () => {
  it('are the one that holds the key, and none whose name it begins with or that some other text mentions', () => {
    const keyed = { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.secretkey' } };
    const told = { description: 'private.secret tenant', issuer: 'tenant', displayName: 'private.secret' };
    expect(readBy({ ...keyed, ...told })).toEqual(['private.secretkey']);
  });

  it.each([
    ['policy-auth-jwt', ISSUED],
    ['policy-raise-fault', RAISED],
    ['policy-verify-jwt', RS256_POLICY],
  ])('are those of the condition and of forwarded headers of a %s', (_type, policy) => {
    const forwardVariables = [{ variable: 'tenant', header: 'X-Tenant' }];
    const condition = `limit > 5 and 'odd=name' = "text" and Limit != null and request.verb = "GET"`;
    const all = ['Limit', 'limit', 'odd=name', 'tenant'];
    expect(readBy({ ...policy, condition, forwardVariables })).toEqual(all);
  });

  it('are those of templates, with what functions in them take, and none of a call that is text', () => {
    const payload = `{a} {b:c} {toUpperCase(d)} {replaceAll(e,'f',g)} {jsonPath('$.h',i:j)} {unknown(k)} { l } {m`;
    expect(readBy({ ...RAISED, payload, reasonPhrase: '{n}', contentType: 'text/{o}' })).toEqual([
      'a',
      'b',
      'd',
      'e',
      'g',
      'i',
      'n',
      'o',
    ]);
  });

  it('are never those that the gateway itself gives a value', () => {
    const payload = '{messageid}{organization.name}{message.header.a}{error.content}{jwt.P.claim.a}{client.ip}{own}';
    expect(readBy({ ...RAISED, payload })).toEqual(['own']);
  });

  it('are none of a policy that is not active, and of several those of each', () => {
    const [one, other] = [
      { ...RAISED, payload: '{one}' },
      { ...RAISED, payload: '{other}' },
    ];
    expect(readBy(one, { ...other, active: false })).toEqual(['one']);
    expect(readBy(one, other)).toEqual(['one', 'other']);
  });
});
