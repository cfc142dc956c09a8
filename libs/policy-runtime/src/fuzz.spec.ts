import { casesByTarget, POLICY_TARGETS } from '../../../test/fuzz/fuzz-targets.ts';
import { outcomeText } from '../../../test/fuzz/fuzz-report.ts';
import { runTarget } from '../../../test/fuzz/run-target.ts';

/** The short form of `npm run fuzz`: the same targets, with a seed that stays. */
const SEED = 20_260_101;
const CASES = 20_000;

describe('random and spoilt texts in a policy', () => {
  it.each([...casesByTarget(POLICY_TARGETS, CASES)].map(([target, cases]) => [target.name, target, cases] as const))(
    '%s: nothing throws, and what was built says what it was built to say',
    async (_name, target, cases) => {
      const outcome = await runTarget(target, { seed: SEED, cases });
      if (outcome.failure !== undefined) throw new Error(outcomeText(outcome));
      expect(outcome.cases).toBe(cases);
      expect([...outcome.groups.keys()]).toEqual(expect.arrayContaining([...target.groups]));
    },
  );
});
