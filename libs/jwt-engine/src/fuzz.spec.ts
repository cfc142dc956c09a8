import { casesByTarget, ENGINE_TARGETS } from '../../../test/fuzz/fuzz-targets.ts';
import { outcomeText } from '../../../test/fuzz/fuzz-report.ts';
import { runTarget } from '../../../test/fuzz/run-target.ts';

/** The short form of `npm run fuzz`: the same targets, with a seed that stays. */
const SEED = 20_260_101;
const CASES = 30_000;

describe('random and spoilt texts, against the slow references', () => {
  it.each([...casesByTarget(ENGINE_TARGETS, CASES)].map(([target, cases]) => [target.name, target, cases] as const))(
    '%s: nothing throws, nothing passes that must not, and verdicts stay',
    async (_name, target, cases) => {
      const outcome = await runTarget(target, { seed: SEED, cases });
      if (outcome.failure !== undefined) throw new Error(outcomeText(outcome));
      expect(outcome.cases).toBe(cases);
      // A run that never comes to a verdict says nothing about it.
      expect([...outcome.groups.keys()]).toEqual(expect.arrayContaining([...target.groups]));
    },
  );
});
