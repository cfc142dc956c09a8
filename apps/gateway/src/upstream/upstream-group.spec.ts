import fc from 'fast-check';
import type { LoadBalanceAlgorithm } from '#libs/policy-contracts';
import { artifactOf } from '../http-server/testing/rig.ts';
import { AddressGuard } from './address-guard.ts';
import { HEALTH_LIMITS } from './health/health-limits.ts';
import { UpstreamHealth } from './health/upstream-health.ts';
import { UpstreamGroup } from './upstream-group.ts';

const originAt = (place: number): string => `http://a${place}.test`;

function groupOf(loadBalance: LoadBalanceAlgorithm, weights: readonly number[], random: () => number = () => 0) {
  const health = new UpstreamHealth({ nowMs: () => 0 });
  const addresses = weights.map((weight, place) => ({ url: originAt(place), weight }));
  const { upstream } = artifactOf({ addresses, upstream: { loadBalance } });
  const group = new UpstreamGroup(upstream, { guard: new AddressGuard(undefined), health, random });
  return { group, health };
}

function eject(health: UpstreamHealth, place: number, nowMs = 0): void {
  const origin = health.of(originAt(place));
  for (let failure = 0; failure < HEALTH_LIMITS.ejectAfterFailures; failure += 1) {
    const ticket = origin.begin(nowMs);
    origin.failed(ticket, nowMs);
    origin.left(ticket);
  }
}

/** Park and Miller's minimal generator. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

type Group = ReturnType<typeof groupOf>;

/** Ejects addresses, all but one at most; gives those that are out. */
function ejectSome({ group, health }: Group, count: number, failing: readonly number[]): ReadonlySet<number> {
  const out = new Set<number>();
  for (const place of failing) {
    // Turns before each failure: what they left behind must not count afterwards.
    for (let turn = 0; turn < 7; turn += 1) group.nextTurn(0);
    if (place >= count || out.has(place) || out.size === count - 1) continue;
    out.add(place);
    eject(health, place);
  }
  return out;
}

function turnsTaken({ group }: Group, places: number, turns: number): readonly number[] {
  const counts = Array.from({ length: places }, () => 0);
  for (let turn = 0; turn < turns; turn += 1) {
    const place = group.nextTurn(0);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}

describe('the addresses of a proxy', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 6 });
  const scenes = fc.tuple(weights, fc.array(fc.nat(5), { maxLength: 5 }), fc.integer({ min: 1, max: 1e6 }));

  it.each([
    // Turns are off by what was under way at the failures; a share that is drawn, by six standard deviations.
    ['WEIGHTED', 40, (_expected: number, count: number) => count],
    ['LEAST_CONNECTIONS', 40, (_expected: number, count: number) => count],
    ['RANDOM', 400, (expected: number) => 6 * Math.sqrt(expected)],
  ] as const)(
    'by %s share the requests by the weights of those that are not ejected, whichever fail',
    (algorithm, rounds, toleranceOf) => {
      fc.assert(
        fc.property(scenes, ([given, failing, seed]) => {
          const made = groupOf(algorithm, given, seeded(seed));
          const out = ejectSome(made, given.length, failing);
          const open = given.map((weight, place) => (out.has(place) ? 0 : weight));
          const total = open.reduce((sum, weight) => sum + weight, 0);
          for (const [place, count] of turnsTaken(made, given.length, rounds * total).entries()) {
            const expected = rounds * (open[place] ?? 0);
            expect(Math.abs(count - expected)).toBeLessThanOrEqual(toleranceOf(expected, given.length));
          }
        }),
        { numRuns: 60 },
      );
    },
  );

  it('are taken in turns as if none were ejected when all are, which is counted', () => {
    const { group, health } = groupOf('ROUND_ROBIN', [1, 1]);
    eject(health, 0);
    expect([group.nextTurn(0), group.nextTurn(0), health.sentRegardless]).toEqual([1, 1, 0]);
    eject(health, 1);
    const turns = [group.nextTurn(0), group.nextTurn(0)];
    expect([turns.sort(), health.sentRegardless]).toEqual([[0, 1], 2]);
  });

  it('get one request each when their time is over', () => {
    const { group, health } = groupOf('ROUND_ROBIN', [1, 1]);
    eject(health, 0);
    const nowMs = HEALTH_LIMITS.ejectMs;
    const turns = Array.from({ length: 6 }, () => {
      const place = group.nextTurn(nowMs);
      group.at(place)?.health.begin(nowMs);
      return place;
    });
    expect(turns.filter((place) => place === 0)).toHaveLength(1);
  });

  it('share their health with every proxy of the process, as long as one has them', () => {
    const health = new UpstreamHealth();
    const first = health.of('http://a.test');
    for (const step of ['used', 'used', 'unused'] as const) health[step]('http://a.test');
    expect(health.of('http://a.test')).toBe(first);
    health.unused('http://a.test');
    expect([...health.facts.keys()]).toEqual([]);
  });
});
