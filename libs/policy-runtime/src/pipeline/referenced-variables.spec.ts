import { placed } from '../testing/artifacts.ts';
import { RS256_POLICY } from '../testing/judge-token.ts';
import { referencedVariables } from './referenced-variables.ts';

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
