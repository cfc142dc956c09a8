import { casesByTarget, ENGINE_TARGETS } from '../../../test/fuzz/fuzz-targets.ts';
import { outcomeText } from '../../../test/fuzz/fuzz-report.ts';
import { type FuzzTarget } from '../../../test/fuzz/fuzz-target.ts';
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

describe('the report of a run', () => {
  const target: FuzzTarget = {
    ...{ name: 'one-sided', share: 1, groups: ['accepted', 'refused'] },
    prepare: () => () => ({ text: 'x', judge: () => ({ group: 'accepted' }) }),
  };
  const reported = async (cases: number, isOver?: () => boolean): Promise<string> =>
    outcomeText(await runTarget(target, { seed: SEED, cases, ...(isOver === undefined ? {} : { isOver }) }));

  it('says of a target whose turn never came that it was not run', async () => {
    expect(await reported(10, () => true)).toBe('not run one-sided');
  });

  it('calls a target failed that never came to one of its verdicts, once there were cases enough', async () => {
    expect(await reported(9_999)).toMatch(/^ok +one-sided +9999 cases/);
    expect(await reported(10_000)).toMatch(/^FAILED +one-sided +10000 cases.*\n {2}never reached: refused$/s);
  });
});
