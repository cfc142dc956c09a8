import fc from 'fast-check';
import { canonicalJson } from '#libs/canonical-json';
import { fold } from '../../decider/decider.ts';
import { apiProxyDecider, contentOf, requireApiProxy, type ApiProxyEvent } from '../domain/index.ts';
import { histories } from '../testing/random-history.ts';
import {
  AT_REQUEST,
  endpointAdded,
  policyAdded,
  proxyCreated,
  samplePolicy,
  sampleVerification,
} from '../testing/sample-proxy.ts';
import { changesBetween } from './changes-between.ts';
import { contentView } from './proxy-event-view.ts';

const proxy = (...events: ApiProxyEvent[]) => requireApiProxy(fold(apiProxyDecider, [proxyCreated, ...events]));
const between = (before: ApiProxyEvent[], after: ApiProxyEvent[]) =>
  changesBetween(contentView(proxy(...before)), contentView(proxy(...after)));
const verification = (members: object, order = 1) =>
  policyAdded('check', order, AT_REQUEST, sampleVerification(members));
const updated = (data: object): ApiProxyEvent =>
  ({ type: 'ProxyUpdated', schemaVersion: 2, data: { ...proxyCreated.data, ...data } }) as ApiProxyEvent;

describe('what differs between two revisions', () => {
  it('is nothing exactly when their content is the same', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (events, choice) => {
        const later = requireApiProxy(fold(apiProxyDecider, events));
        const earlier = requireApiProxy(fold(apiProxyDecider, events.slice(0, (choice % events.length) + 1)));
        const [one, other] = [contentView(earlier), contentView(later)];
        expect(changesBetween(one, other).length === 0).toBe(canonicalJson(one) === canonicalJson(other));
        expect(changesBetween(contentView(later), contentView({ ...later, ...contentOf(later) }))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('is the same backwards, from and to changed over', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const [one, other] = [proxy(), requireApiProxy(fold(apiProxyDecider, events))].map(contentView) as [
          object,
          object,
        ];
        const forwards = changesBetween(one, other).map(({ path, from, to }) => canonicalJson([path, from, to]));
        const backwards = changesBetween(other, one).map(({ path, from, to }) => canonicalJson([path, to, from]));
        expect(backwards.sort()).toEqual(forwards.sort());
      }),
      { numRuns: 200 },
    );
  });

  it('of a policy that came is the whole policy, and of those behind it their order', () => {
    const changes = between([policyAdded('a', 1)], [policyAdded('a', 1), policyAdded('b', 1)]);
    expect(changes).toMatchObject([
      {
        ...{ path: 'policyList[b]', from: null, meaning: 'policy b added at REQUEST, order 1' },
        to: { policy: { name: 'b' }, operationMetadata: { order: 1 } },
      },
      {
        ...{ path: 'policyList[a].operationMetadata.order', from: 1, to: 2 },
        meaning: 'policy a moved from order 1 to 2',
      },
    ]);
  });

  it('of a policy that went says where it was', () => {
    const place = { scope: 'ENDPOINT', pipeline: 'ERROR', endpoint: '/users', httpMethod: 'GET' } as const;
    const at = [endpointAdded('/users')];
    expect(between([...at, policyAdded('a', 1, place)], at)).toMatchObject([
      { path: 'policyList[a]', to: null, meaning: 'policy a removed, was at GET /users ERROR, order 1' },
    ]);
  });

  it.each([
    [{ audience: 'a, b' }, { audience: 'a' }, 'audience.value', 'policy check: audience `b` removed'],
    [{ algorithm: 'HS256' }, { algorithm: 'HS384' }, 'algorithm', 'policy check: algorithm HS256 → HS384'],
    [
      { requiredClaims: ['x'] },
      { requiredClaims: ['x', 'y'] },
      'requiredClaims.value',
      'policy check: requiredClaims `y` added',
    ],
    [{}, { issuer: 'https://i' }, 'issuer', 'policy check: issuer set to https://i'],
    [{ issuer: 'https://i' }, { issuer: 'https://j' }, 'issuer.value', 'policy check: issuer https://i → https://j'],
    [{ displayName: 'x' }, {}, 'displayName', 'policy check: displayName removed, was x'],
    [{ active: true }, { active: false }, 'active', 'policy check switched off'],
  ])('in words: %j to %j', (before, after, field, meaning) => {
    expect(between([verification(before)], [verification(after)])).toMatchObject([
      { path: `policyList[check].policy.${field}`, meaning },
    ]);
  });

  it('shows no text in words that is longer than a line', () => {
    const at = (issuer: string) => [verification({ issuer })];
    expect(between(at('short'), at('x'.repeat(200)))).toMatchObject([{ meaning: 'policy check: issuer changed' }]);
  });

  it('names a policy of the other kind by the member that differs', () => {
    const at = (jwtSignatureAlgorithm: string) => [
      policyAdded('a', 1, AT_REQUEST, samplePolicy({ jwtSignatureAlgorithm })),
    ];
    expect(between(at('RS256'), at('ES256'))).toEqual([
      {
        ...{ path: 'policyList[a].policy.jwtSignatureAlgorithm', from: 'RS256', to: 'ES256' },
        meaning: 'policy a: jwtSignatureAlgorithm RS256 → ES256',
      },
    ]);
  });

  it('of endpoints names them by method and name', () => {
    const moved = { ...endpointAdded('/users'), type: 'EndpointUpdated' } as ApiProxyEvent;
    const described = {
      ...moved,
      data: {
        ...moved.data,
        endpoint: { ...(moved.data as { endpoint: object }).endpoint, description: 'all of them' },
      },
    };
    expect(between([], [endpointAdded('/users')])).toMatchObject([
      { path: 'endpointList[GET /users]', from: null, meaning: 'endpoint GET /users added' },
    ]);
    expect(between([endpointAdded('/users')], [endpointAdded('/users'), described as ApiProxyEvent])).toMatchObject([
      { path: 'endpointList[GET /users].description', from: '', to: 'all of them' },
    ]);
  });

  it('of addresses is what changed of each of them, and their order where it changed', () => {
    const routing = (...routingAddressList: object[]) => ({
      routingInfo: { ...proxy().routingInfo, routingAddressList },
    });
    const [one, two] = [
      { address: 'http://1', weight: 1 },
      { address: 'http://2', weight: 1 },
    ];
    expect(between([updated(routing(one, two))], [updated(routing(two, { ...one, weight: 5 }))])).toEqual([
      {
        ...{ path: 'routingInfo.routingAddressList[http://1].weight', from: 1, to: 5 },
        meaning: 'address http://1: weight 1 → 5',
      },
      {
        ...{ path: 'routingInfo.routingAddressList', from: ['http://1', 'http://2'], to: ['http://2', 'http://1'] },
        meaning: 'addresses: other order',
      },
    ]);
  });

  it('of a list of words is the whole list, and in words what came and went', () => {
    const route = (...relativePathList: string[]) =>
      updated({ clientRoute: { ...proxy().clientRoute, relativePathList } });
    expect(between([route('/a', '/b')], [route('/b', '/c', '/d')])).toEqual([
      {
        ...{ path: 'clientRoute.relativePathList', from: ['/a', '/b'], to: ['/b', '/c', '/d'] },
        meaning: 'path `/a` removed, `/c` added, `/d` added',
      },
    ]);
  });
});
