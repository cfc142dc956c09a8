import { fittedRise } from '../soak/resources.ts';
import { textOf, type SoakReport } from '../soak/soak-report.ts';
import { runSoak } from '../soak/soak-run.ts';
import { KIND_NAMES } from '../soak/soak-clients.ts';

/** The short form of `npm run soak`. */
const DURATION_MS = 20_000;

describe('what counts as growing', () => {
  const samples = (...values: number[]) => values.map((value, second) => ({ atMs: second * 1_000, value }));

  it('is a line through all that was held, not a single moment', () => {
    expect(fittedRise(samples(100, 110, 120, 130))).toBeCloseTo(30);
    expect(fittedRise(samples(100, 130, 100, 130, 100))).toBeCloseTo(0);
    expect(fittedRise(samples(7, 7))).toBe(0);
  });
});

describe('mixed traffic through two gateways whose configuration changes every second', () => {
  let report: SoakReport;

  beforeAll(async () => {
    report = await runSoak({ durationMs: DURATION_MS, say: () => undefined });
    console.log(textOf(report));
  }, 300_000);

  it('is answered as it has to be, and leaves no socket behind', () => {
    expect(report.violations).toEqual([]);
  });

  it('was enough of everything to be worth believing', () => {
    const figures = new Map(report.figures);
    const isEnough = (what: string, least: number) => Number(figures.get(what)) >= least;
    const scarce = KIND_NAMES.filter((kind) => !isEnough(kind, 3));
    expect({ scarce, changes: isEnough('configuration changes', 6) }).toEqual({ scarce: [], changes: true });
  });
});
