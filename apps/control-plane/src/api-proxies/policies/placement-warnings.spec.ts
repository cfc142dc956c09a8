import type { PolicyContract, PolicyPlace } from '#libs/policy-contracts';
import type { ActiveApiProxy, PlacedPolicy } from '../domain/index.ts';
import { placementWarnings } from './placement-warnings.ts';
import { samplePolicy, sampleVerification } from '../testing/sample-proxy.ts';

const REQUEST: PolicyPlace = { scope: 'ALL', pipeline: 'REQUEST' };
const at = (endpoint: string, httpMethod: 'GET' | 'POST'): PolicyPlace => ({
  scope: 'ENDPOINT',
  pipeline: 'REQUEST',
  endpoint,
  httpMethod,
});
const placed = (name: string, place: PolicyPlace = REQUEST, policy: PolicyContract = samplePolicy()): PlacedPolicy => ({
  ...{ name, place, policy },
});
/** Endpoints in an order that is not theirs. */
const proxyOf = (...policies: PlacedPolicy[]): ActiveApiProxy =>
  ({
    endpoints: ['/b GET', '/a POST', '/a GET'].map((text) => {
      const [name = '', httpMethod = ''] = text.split(' ');
      return { name, httpMethod };
    }),
    policies,
  }) as unknown as ActiveApiProxy;
const messages = (proxy: ActiveApiProxy, name: string): string[] =>
  placementWarnings(proxy, name).map(({ field, message }) => `${field}: ${message}`);

describe('warnings of where a policy stands', () => {
  it('are none for one issuer in REQUEST', () => {
    expect(placementWarnings(proxyOf(placed('one')), 'one')).toEqual([]);
  });

  it('say which of several issuing policies issues', () => {
    const proxy = proxyOf(placed('late', at('/b', 'GET')), placed('first'), placed('second'));
    expect(messages(proxy, 'second')).toEqual([
      'policy.managedFromThisPolicy: only verifies: first comes first and issues the tokens of this proxy',
    ]);
    expect(messages(proxy, 'first')).toEqual([
      'policy.managedFromThisPolicy: issues the tokens of this proxy; second, late: only verify',
    ]);
  });

  it('go by name and method among endpoints, in any order of their making', () => {
    const proxy = proxyOf(
      placed('b', at('/b', 'GET')),
      placed('post', at('/a', 'POST')),
      placed('get', at('/a', 'GET')),
    );
    expect(messages(proxy, 'get')).toEqual([
      'policy.managedFromThisPolicy: issues the tokens of this proxy; post, b: only verify',
    ]);
  });

  it('go by kind: one issues under /auth, one under /credential', () => {
    const acl = samplePolicy({ managedFromThisPolicy: false });
    const proxy = proxyOf(placed('own'), placed('acl', REQUEST, acl), placed('late', at('/a', 'GET'), acl));
    expect(messages(proxy, 'own')).toEqual([]);
    expect(messages(proxy, 'acl')).toEqual([
      'policy.managedFromThisPolicy: issues the tokens of this proxy under /credential; late: only verify',
    ]);
    expect(messages(proxy, 'late')).toEqual([
      'policy.managedFromThisPolicy: only verifies: acl comes first and issues the tokens of this proxy under /credential',
    ]);
  });

  it('leave out what issues nothing', () => {
    const proxy = proxyOf(
      placed('one'),
      placed('off', REQUEST, samplePolicy({ active: false })),
      placed('acl', REQUEST, samplePolicy({ managedFromThisPolicy: false })),
      placed('check', REQUEST, sampleVerification()),
    );
    for (const name of ['one', 'off', 'acl', 'check', 'nobody']) expect(placementWarnings(proxy, name)).toEqual([]);
  });

  it.each(['RESPONSE', 'ERROR'] as const)('say that policy-auth-jwt protects nothing in %s', (pipeline) => {
    const proxy = proxyOf(
      placed('late', { scope: 'ALL', pipeline }),
      placed('check', { scope: 'ALL', pipeline }, sampleVerification()),
    );
    expect(placementWarnings(proxy, 'late').map(({ field }) => field)).toEqual(['operationMetadata.targetPipeline']);
    expect(placementWarnings(proxy, 'check')).toEqual([]);
  });

  it('say that an answer that is made gets no header any more', () => {
    const forwards = sampleVerification({ forwardVariables: [{ variable: 'jwt.x.claim.sub', header: 'X-User' }] });
    const inPipeline = (pipeline: PolicyPlace['pipeline']) =>
      messages(proxyOf(placed('check', { scope: 'ALL', pipeline }, forwards)), 'check');
    expect(inPipeline('REQUEST')).toEqual([]);
    expect(inPipeline('RESPONSE')).toEqual([]);
    expect(inPipeline('ERROR')).toEqual([
      'policy.forwardVariables: sets no header in ERROR: nothing goes to the upstream any more, and the answer is made',
    ]);
  });
});
