import { SeededRandom } from '../chaos/seeded-random.ts';
import { type FuzzCase, type FuzzTarget } from './fuzz-target.ts';
import { judgeText, shrinkText } from './shrink-text.ts';

export interface FuzzFailure {
  readonly caseNumber: number;
  readonly violation: string;
  /** The input as it was, and what is left of it when all that does not matter is gone. */
  readonly text: string;
  readonly shrunk: string;
}

export interface TargetOutcome {
  readonly target: string;
  readonly seed: number;
  /** How many cases were judged. */
  readonly cases: number;
  /** Cases by group. */
  readonly groups: ReadonlyMap<string, number>;
  /** The first; a target is left at it. */
  readonly failure: FuzzFailure | undefined;
}

export interface FuzzRun {
  readonly seed: number;
  readonly cases: number;
  /** Asked now and then: true ends the target early. */
  readonly isOver?: () => boolean;
  /** Told now and then how many cases were judged. */
  readonly onProgress?: (cases: number) => void;
}

const CASES_BETWEEN_LOOKS = 1_000;

/** The case of a number, the same for the same seed on every machine. */
const chanceOf = (target: FuzzTarget, seed: number, caseNumber: number): SeededRandom =>
  new SeededRandom(seed, `${target.name}#${caseNumber}`);

async function failureOf(found: FuzzCase, caseNumber: number, violation: string): Promise<FuzzFailure> {
  return { caseNumber, violation, text: found.text, shrunk: await shrinkText(found, violation) };
}

/** Throws the cases of one target at it until one shows a violation. */
export async function runTarget(target: FuzzTarget, run: FuzzRun): Promise<TargetOutcome> {
  const groups = new Map<string, number>();
  const nextCase = target.prepare();
  let cases = 0;
  let failure: FuzzFailure | undefined;
  while (cases < run.cases && failure === undefined) {
    if (cases % CASES_BETWEEN_LOOKS === 0) {
      run.onProgress?.(cases);
      if (run.isOver?.() === true) break;
    }
    const found = nextCase(chanceOf(target, run.seed, cases));
    const { group, violation } = await judgeText(found, found.text);
    groups.set(group, (groups.get(group) ?? 0) + 1);
    if (violation !== undefined) failure = await failureOf(found, cases, violation);
    cases += 1;
  }
  return { target: target.name, seed: run.seed, cases, groups, failure };
}
