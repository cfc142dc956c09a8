import fc from 'fast-check';
import { normalisePath } from '#libs/policy-contracts';
import type { LinkedProxy } from '#libs/policy-runtime';
import { headerRulesOf, type RouteHeaders } from './header-rules.ts';
import { claimsOf, type RouteClaim } from './route-claim.ts';
import { contestKey, type RouteContest } from './route-contest.ts';
import { LiveRouter, type RouteOutcome, type Router } from './router.ts';
import { compileRouter } from './testing/compile-router.ts';
import { proxy, type WantedRoute } from './testing/routed-proxy.ts';

const ROOT_CONTEXT = '/root';
const HOSTS = ['a.test', 'b.a.test', 'c.b.a.test', 'other'];
const METHODS = ['GET', 'PUT', 'POST'];
const PATHS = ['/root', '/root/a', '/root/a/b/c', '/root/a/bc', '/root/b/x', '/a'];
const RULES = [
  { name: 'X-One', value: '1' },
  { name: 'x-one', value: '2' },
  { name: 'X-Two', value: '1' },
];
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'x-one': '1' },
  { 'x-one': '2', 'x-two': '1' },
  { 'x-one': '1', 'x-two': '1' },
];

const routes: fc.Arbitrary<WantedRoute> = fc.record({
  paths: fc.subarray(['/', '/a', '/a/', '/%61', '/a/b', '/a/b/c', '/b'], { minLength: 1, maxLength: 3 }),
  hosts: fc.subarray(['a.test', 'A.test', '*.test', '*.a.test', 'b.a.test'], { maxLength: 2 }),
  methods: fc.subarray(METHODS),
  headers: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.shuffledSubarray(RULES, { maxLength: 2 })),
});
/** A few proxies, so that they meet; undefined: gone. */
const change = fc.tuple(fc.constantFrom('a', 'B', 'b', 'c', 'd', 'e'), fc.option(routes, { nil: undefined, freq: 4 }));
const batches = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
type Batch = readonly (readonly [string, WantedRoute | undefined])[];

const sent = (headers: Readonly<Record<string, string>>): RouteHeaders => ({
  has: (name, value) => headers[name] === value,
});

const shown = (outcome: RouteOutcome): unknown =>
  outcome.kind === 'matched' ? [outcome.proxy, outcome.basePath, outcome.pathSuffix, outcome.variesBy] : outcome;

/** Everything that it answers. Proxies stand for themselves. */
function answersOf(router: Router): readonly unknown[] {
  const questions = HOSTS.flatMap((host) => METHODS.flatMap((method) => PATHS.map((path) => ({ host, method, path }))));
  return questions.flatMap(({ host, method, path }) =>
    HEADERS.flatMap((headers) => [
      shown(router.match(host, method, path, sent(headers))),
      ...router.reachable(host, method, path, { certain: sent({}), possible: sent(headers) }),
    ]),
  );
}

const samePlaces = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length &&
  one.every((answer, index) => answer === other[index] || JSON.stringify(answer) === JSON.stringify(other[index]));

const idsOf = (proxies: readonly LinkedProxy[]): string[] => proxies.map(({ artifact }) => artifact.proxyId);
const keysOf = (contests: readonly RouteContest[]): string[] => contests.map(contestKey);

/** Follows batches as a gateway does, beside what a gateway that has just started would have. */
class Followed {
  readonly live = new LiveRouter();
  readonly proxies = new Map<string, LinkedProxy>();
  private count = 0;

  follow(batch: Batch): readonly RouteContest[] {
    const claims = new Map<string, readonly RouteClaim[]>();
    for (const [name, route] of batch) {
      this.count += 1;
      const linked = route && { ...proxy(name, route), deployment: this.count };
      if (linked === undefined) this.proxies.delete(name);
      else this.proxies.set(name, linked);
      claims.set(name, linked === undefined ? [] : claimsOf(linked, ROOT_CONTEXT));
    }
    return this.live.change(claims);
  }

  fresh(): Router {
    return compileRouter([...this.proxies.values()].reverse(), ROOT_CONTEXT);
  }
}

/** Where a request goes, by the words of the contract and nothing else. */
function destination(
  proxies: Iterable<LinkedProxy>,
  host: string,
  [method, path]: readonly [string, string],
  headers: Readonly<Record<string, string>>,
): LinkedProxy | undefined {
  const byId = [...proxies].sort((one, other) => (one.artifact.proxyId < other.artifact.proxyId ? -1 : 1));
  const prefixesOf = ({ artifact }: LinkedProxy): string[] =>
    artifact.route.paths.map((text) => `${ROOT_CONTEXT}${normalisePath(text)}`.replace(/\/+$/, ''));
  const wildcards = host.split('.').map((_, index, labels) => `*.${labels.slice(index + 1).join('.')}`);
  for (const wanted of [host, ...wildcards, '']) {
    const here = byId.filter(({ artifact: { route } }) =>
      wanted === '' ? route.hosts.length === 0 : route.hosts.some((name) => name.toLowerCase() === wanted),
    );
    const fitting = here.flatMap(prefixesOf).filter((prefix) => path === prefix || path.startsWith(`${prefix}/`));
    if (fitting.length === 0) continue;
    const longest = fitting.reduce((one, other) => (other.length > one.length ? other : one));
    const claimants = here
      .filter((claimant) => prefixesOf(claimant).includes(longest))
      .map((claimant) => ({ claimant, rules: headerRulesOf(claimant.artifact.route.headers) }))
      .filter(({ rules }) => rules.rules.every(({ name, value }) => headers[name] === value));
    // Those with the same rules stand together; one that names the method goes before one that takes any.
    const isNamed = ({ claimant }: (typeof claimants)[number]): boolean =>
      claimant.artifact.route.methods.includes(method);
    return claimants
      .filter((one) => isNamed(one) || one.claimant.artifact.route.methods.length === 0)
      .sort(
        (one, other) =>
          other.rules.rules.length - one.rules.rules.length ||
          (one.rules.text === other.rules.text ? 0 : one.rules.text < other.rules.text ? -1 : 1) ||
          Number(isNamed(other)) - Number(isNamed(one)),
      )[0]?.claimant;
  }
  return undefined;
}

describe('a router that is changed proxy by proxy', () => {
  it('answers after each batch exactly as one that was compiled from scratch', () => {
    fc.assert(
      fc.property(batches, (sequence) => {
        const followed = new Followed();
        for (const batch of sequence) {
          followed.follow(batch);
          const fresh = followed.fresh();
          expect(keysOf(followed.live.contests)).toEqual(keysOf(fresh.contests));
          expect(samePlaces(answersOf(followed.live), answersOf(fresh))).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('sends each request where the contract says', () => {
    fc.assert(
      fc.property(batches, (sequence) => {
        const followed = new Followed();
        for (const batch of sequence) followed.follow(batch);
        for (const host of HOSTS)
          for (const method of METHODS)
            for (const path of PATHS)
              for (const headers of HEADERS) {
                const outcome = followed.live.match(host, method, path, sent(headers));
                const wanted = destination(followed.proxies.values(), host, [method, path], headers);
                if ((outcome.kind === 'matched' ? outcome.proxy : undefined) === wanted) continue;
                throw new Error(`${method} ${host}${path} ${JSON.stringify(headers)}: ${outcome.kind}`);
              }
      }),
      { numRuns: 150 },
    );
  });

  it('tells the contests of a batch that there were not before it, in their order', () => {
    fc.assert(
      fc.property(batches, (sequence) => {
        const followed = new Followed();
        for (const batch of sequence) {
          const before = new Set(keysOf(followed.live.contests));
          const told = keysOf(followed.follow(batch));
          expect(told).toEqual(keysOf(followed.live.contests).filter((key) => !before.has(key)));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps nothing of proxies that are gone', () => {
    fc.assert(
      fc.property(batches, (sequence) => {
        const followed = new Followed();
        for (const batch of sequence) followed.follow(batch);
        followed.follow(idsOf([...followed.proxies.values()]).map((name) => [name, undefined] as const));
        expect(followed.live.isEmpty).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('gives the route of a proxy that is gone to the next claimant', () => {
    const followed = new Followed();
    const claim = { paths: ['/a'] };
    const owner = (): string | undefined =>
      idsOf([...followed.live.reachable('h', 'GET', '/root/a', { certain: sent({}), possible: sent({}) })])[0];
    const owners = ['c', 'b', 'a'].map((name) => {
      followed.follow([[name, claim]]);
      return owner();
    });
    expect(owners).toEqual(['c', 'b', 'a']);
    const told = followed.follow([['a', undefined]]);
    expect([owner(), told.map(({ keeper, loser }) => `${keeper.proxy} ${loser.proxy}`)]).toEqual(['b', ['b c']]);
    expect(followed.follow([['b', claim]])).toEqual([]);
  });
});
