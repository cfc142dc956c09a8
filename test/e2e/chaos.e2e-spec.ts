import { runChaos } from '../chaos/chaos-run.ts';
import { textOf, type ChaosReport } from '../chaos/chaos-report.ts';
import { Downtimes } from '../chaos/downtimes.ts';
import { SeededRandom } from '../chaos/seeded-random.ts';
import { backwardSteps, SightingLog, type Sighting } from '../chaos/served-order.ts';

/** The short form of `npm run chaos`: the same run, with a seed that stays. */
const SEED = 20_260_101;
const DURATION_MS = 40_000;

const config = (deployment: number | null, floor = 0): Sighting => ({ kind: 'config', deployment, floor });
const answer = (marker: string | null, floor = 0): Sighting => ({ kind: 'answer', marker, floor });

describe('what counts as having been served in the wrong order', () => {
  const deployments = [
    { deployment: 1, marker: 'one' },
    { deployment: 3, marker: 'two' },
    { deployment: 4, marker: null },
    { deployment: 6, marker: 'one' },
  ];
  const wrongIn = (...sightings: Sighting[]) => backwardSteps(sightings, deployments).length;

  it('is not what goes on, skips, or deploys an older revision again', () => {
    expect(wrongIn(answer(null), config(1), answer('one'), answer('two'), config(3), answer(null), config(null))).toBe(
      0,
    );
    expect(wrongIn(answer('one'), answer(null), answer('one'), config(6), answer('one'))).toBe(0);
  });

  it.each<[string, Sighting[]]>([
    ['an older deployment in /config', [config(3), config(1)]],
    ['the answer of an older one', [config(6), answer('two')]],
    ['an older one after its successor was seen in an answer', [answer('two'), config(1)]],
    ['a proxy that goes away before it was undeployed', [config(6), answer(null)]],
    ['a proxy that is left out before it was undeployed', [config(6), config(null)]],
    ['an answer that no deployment has', [answer('three')]],
    ['one from before what it was said to have applied', [answer('two', 4)]],
  ])('is %s', (_what, sightings) => {
    expect(wrongIn(...sightings)).toBe(1);
  });

  it('is found in what is kept of many looks', () => {
    const log = new SightingLog();
    const seen = [config(3), answer('two'), config(3), answer('two'), config(6), answer('two'), config(6)];
    for (const sighting of [...seen, ...seen.slice(-1)]) log.note(sighting);
    expect(log.kept.length).toBeLessThan(seen.length);
    expect(backwardSteps(log.kept, deployments)).toEqual(['answered with "two" although it had reached deployment 6']);
  });
});

describe('what the chaos is made of', () => {
  it('is the same for the same seed, and another for each part', () => {
    const drawn = (seed: number, part: string) => {
      const random = new SeededRandom(seed, part);
      return Array.from({ length: 5 }, () => random.between(1, 1_000_000));
    };
    expect(drawn(7, 'a')).toEqual(drawn(7, 'a'));
    expect(drawn(7, 'a')).not.toEqual(drawn(7, 'b'));
    expect(drawn(7, 'a')).not.toEqual(drawn(8, 'a'));
  });

  it('excuses requests that met a killed gateway, and no others', () => {
    const downtimes = new Downtimes();
    const beforeMs = performance.now();
    downtimes.begin('one');
    expect(downtimes.touch('one', beforeMs, performance.now())).toBe(true);
    expect(downtimes.touch('two', beforeMs, performance.now())).toBe(false);
    downtimes.end('one');
    const afterMs = performance.now() + 1;
    expect(downtimes.touch('one', beforeMs - 2, beforeMs - 1)).toBe(false);
    expect(downtimes.touch('one', afterMs, afterMs + 1)).toBe(false);
  });
});

describe('policies changed all the time while everything but PostgreSQL is killed at random', () => {
  let report: ChaosReport;
  const said: string[] = [];

  beforeAll(async () => {
    const size = { proxies: 3, gatewaysEach: 2 };
    report = await runChaos({ seed: SEED, durationMs: DURATION_MS, ...size, say: (line) => said.push(line) });
    console.log(textOf(report));
  }, 600_000);

  it('keeps everything that was promised', () => {
    expect({ violations: report.violations, said: report.violations.length === 0 ? [] : said }).toEqual({
      ...{ violations: [], said: [] },
    });
  });

  it('had enough of everything to be worth believing', () => {
    const figures = new Map(report.figures);
    const atLeast = {
      '… answered': 10,
      'requests to the proxy that nobody touched': 100,
      'logs of a Redis begun anew': 2,
    };
    for (const [what, least] of Object.entries(atLeast)) {
      expect({ what, isEnough: Number(figures.get(what)) >= least }).toEqual({ what, isEnough: true });
    }
  });
});
