import { outcomeText } from './fuzz-report.ts';
import { type FuzzTarget } from './fuzz-target.ts';
import { casesByTarget } from './fuzz-targets.ts';
import { runTarget } from './run-target.ts';

const SEED = 20_260_101;
const LONGEST_MS = 60_000;

/** The short form of `npm run fuzz`: the same targets with a seed that stays, so many cases of all together. */
export function itHoldsFor(targets: readonly FuzzTarget[], cases: number): void {
  it.each([...casesByTarget(targets, cases)].map(([target, own]) => [target.name, target, own] as const))(
    '%s: nothing throws, hangs or passes that must not',
    async (_name, target, own) => {
      const outcome = await runTarget(target, { seed: SEED, cases: own });
      if (outcome.failure !== undefined) throw new Error(outcomeText(outcome));
      expect(outcome.cases).toBe(own);
      // A run that never comes to a verdict says nothing about it.
      expect([...outcome.groups.keys()]).toEqual(expect.arrayContaining([...target.groups]));
    },
    LONGEST_MS,
  );
}
