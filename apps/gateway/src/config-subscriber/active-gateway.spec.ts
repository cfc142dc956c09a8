import fc from 'fast-check';
import { ServedDigest } from '#libs/config-distribution';
import { NO_HEADERS } from '../router/header-rules.ts';
import type { KeySetChange } from '../key-sets/gateway-key-sets.ts';
import type { RouteContest } from '../router/router.ts';
import type { UpstreamChange } from '../upstream/upstream-pool.ts';
import { ActiveGateway, type OpenedChange } from './active-gateway.ts';
import { artifactText, changeFor, ENVIRONMENT, tombstoneFor } from './testing/subscriber-rig.ts';

const PROXIES = ['orders', 'stock', 'prices'];

function startGateway() {
  const swaps: UpstreamChange[] = [];
  const named: KeySetChange[] = [];
  const contests: RouteContest[] = [];
  const rules = { environment: ENVIRONMENT, rootContext: '', options: { faultCodes: 'documented' as const } };
  const active = new ActiveGateway(rules, {
    onSwap: (change, keySets) => {
      swaps.push(change);
      named.push(keySets);
    },
    onContest: (contest) => contests.push(contest),
  });
  const goesTo = (path: string): string | undefined => {
    const match = active.current?.router.match('any', 'GET', path, NO_HEADERS);
    return match?.kind === 'matched' ? match.proxy.artifact.proxy : match?.kind;
  };
  return { active, swaps, named, contests, goesTo };
}

const brings = (proxy: string, deployment: number, path = `/${proxy}`): OpenedChange => ({
  change: changeFor(proxy, deployment),
  artifact: artifactText({ proxy, paths: [path] }),
});
const verifyingBy = (uri: string) => ({
  name: 'P',
  policy: { type: 'policy-verify-jwt', algorithm: 'RS256', publicKey: { jwks: { uri } } },
});
const removes = (proxy: string, deployment: number): OpenedChange => ({
  change: tombstoneFor(proxy, deployment),
  artifact: null,
});

describe('what a gateway serves', () => {
  it('has the digest of what is live, whatever changes brought it', () => {
    const step = fc.tuple(fc.constantFrom(...PROXIES), fc.constantFrom('brings', 'removes', 'cannot'));
    fc.assert(
      fc.property(fc.array(fc.array(step, { minLength: 1, maxLength: 3 })), (batches) => {
        const { active } = startGateway();
        let deployment = 0;
        for (const batch of batches) {
          const changes = batch.map(([proxy, what]): OpenedChange => {
            deployment += 1;
            if (what === 'removes') return removes(proxy, deployment);
            return { ...brings(proxy, deployment), ...(what === 'cannot' ? { artifact: '{}' } : {}) };
          });
          active.apply(changes);
          const live = [...(active.current?.proxies.values() ?? [])].map(({ change }) => change);
          expect(active.served).toEqual({ proxies: live.length, digest: ServedDigest.of(live).text() });
          for (const change of live) expect(active.liveChange(change.proxyId)).toBe(change);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is nothing at all before there is a configuration, and no proxy after one without proxies', () => {
    const { active, swaps } = startGateway();
    expect([active.current, active.served.proxies]).toEqual([undefined, 0]);
    active.beginEmpty();
    active.beginEmpty();
    expect([active.current?.proxies.size, swaps.length]).toEqual([0, 1]);
  });

  it('is left as it was by what cannot be linked or routed, beside changes that can', () => {
    const { active, goesTo } = startGateway();
    active.apply([brings('orders', 1), brings('stock', 2)]);
    const outcomes = active.apply([brings('orders', 3, '/a/../..'), brings('stock', 4, '/moved')]);
    expect(outcomes.get('id-of-orders')).toEqual({
      applied: false,
      reason: 'artifact.route.paths: is not a path that a request can have',
    });
    expect([goesTo('/orders'), goesTo('/stock'), goesTo('/moved')]).toEqual(['orders', 'not-found', 'stock']);
    expect(PROXIES.map((proxy) => active.liveChange(`id-of-${proxy}`)?.deployment)).toEqual([1, 4, undefined]);
  });

  it('gives a path from one proxy to another in one swap, without a moment in which nobody or both have it', () => {
    const { active, swaps, contests, goesTo } = startGateway();
    active.apply([brings('stock', 1, '/shared'), brings('orders', 2)]);
    active.apply([brings('orders', 3, '/shared'), brings('stock', 4)]);
    expect([goesTo('/shared'), goesTo('/stock'), goesTo('/orders')]).toEqual(['orders', 'stock', 'not-found']);
    expect([swaps.length, contests]).toEqual([2, []]);
  });

  it('tells of each swap only the upstreams that it changes, each dropped as it was added', () => {
    const { active, swaps } = startGateway();
    active.apply([brings('orders', 1), brings('stock', 2)]);
    const before = active.current?.proxies.get('id-of-orders')?.linked.artifact.upstream;
    active.apply([brings('orders', 3)]);
    active.apply([removes('orders', 4), removes('prices', 5)]);
    expect(swaps.map(({ added, dropped }) => [added.length, dropped.length])).toEqual([
      [2, 0],
      [1, 1],
      [0, 1],
    ]);
    expect(swaps[1]?.dropped[0]).toBe(before);
    expect(swaps[2]?.dropped[0]).toBe(swaps[1]?.added[0]);
  });

  it('tells of each swap which key sets the changed proxies name now and named before, and of none of the others', () => {
    const { active, named } = startGateway();
    const naming = (proxy: string, deployment: number, ...addresses: string[]): OpenedChange => ({
      change: changeFor(proxy, deployment),
      artifact: artifactText({ proxy, paths: [`/${proxy}`], pipelines: { request: addresses.map(verifyingBy) } }),
    });
    active.apply([naming('orders', 1, 'https://idp.test/a', 'https://idp.test/b'), brings('stock', 2)]);
    active.apply([naming('orders', 3, 'https://idp.test/b'), naming('stock', 4)]);
    active.apply([removes('orders', 5)]);
    const [first, second] = [
      { proxyId: 'id-of-orders', deployment: 1, addresses: ['https://idp.test/a', 'https://idp.test/b'] },
      { proxyId: 'id-of-orders', deployment: 3, addresses: ['https://idp.test/b'] },
    ];
    expect(named).toEqual([
      { added: [first], dropped: [] },
      { added: [second], dropped: [first] },
      { added: [], dropped: [second] },
    ]);
  });

  it('swaps nothing when nothing could be applied', () => {
    const { active, swaps } = startGateway();
    active.apply([{ ...brings('orders', 1), artifact: 'no JSON' }]);
    expect([active.current, swaps]).toEqual([undefined, []]);
  });
});
