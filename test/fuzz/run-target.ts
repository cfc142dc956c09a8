import { SeededRandom } from '../chaos/seeded-random.ts';
import { type FuzzCase, type FuzzTarget, type Judgement, type NextCase, type OpenTarget } from './fuzz-target.ts';
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
  /** Processor time of the slowest case. */
  readonly slowestMs: number;
  /** The first; a target is left at it. */
  readonly failure: FuzzFailure | undefined;
  /** Groups that so many cases must have reached, and did not: such a run proves nothing. */
  readonly unreached: readonly string[];
}

export interface FuzzRun {
  readonly seed: number;
  readonly cases: number;
  /** Number of the first case; default 0. */
  readonly from?: number;
  /** Asked now and then: true ends the target early. */
  readonly isOver?: () => boolean;
  /** Told now and then how many cases were judged. */
  readonly onProgress?: (cases: number) => void;
  /** Told before anything is judged. */
  readonly onJudging?: (caseNumber: number) => void;
}

/** With fewer it may be chance that a group was not reached. */
const CASES_THAT_REACH_ALL = 10_000;
const CASES_BETWEEN_LOOKS = 1_000;
/** No text that a stranger sends may take more of a processor. */
const SLOWEST_MS = 1_000;
/** What is made once, like a key, or a collection of garbage is not the fault of a text. */
const TRIES_WHEN_SLOW = 3;

/** The case of a number, the same for the same seed on every machine. */
const chanceOf = (target: FuzzTarget, seed: number, caseNumber: number): SeededRandom =>
  new SeededRandom(seed, `${target.name}#${caseNumber}`);

const openTargetOf = (prepared: NextCase | OpenTarget): OpenTarget =>
  typeof prepared === 'function' ? { next: prepared, end: () => Promise.resolve() } : prepared;

interface Timed extends Judgement {
  /** Processor time, not the clock's: the machine may be busy with something else. */
  readonly tookMs: number;
}

async function timed(found: FuzzCase, text: string): Promise<Timed> {
  const before = process.cpuUsage();
  const judged = await judgeText(found, text);
  const { user, system } = process.cpuUsage(before);
  return { ...judged, tookMs: (user + system) / 1_000 };
}

/** Being slow is a violation like any other, when it is so each time. */
async function judgeInTime(found: FuzzCase, text: string): Promise<Timed> {
  let judged = await timed(found, text);
  for (let tries = 1; tries < TRIES_WHEN_SLOW && judged.tookMs > SLOWEST_MS; tries += 1) {
    const again = await timed(found, text);
    if (again.tookMs < judged.tookMs) judged = again;
  }
  if (judged.violation !== undefined || judged.tookMs <= SLOWEST_MS) return judged;
  return { ...judged, violation: `took more than ${SLOWEST_MS} ms` };
}

/** Throws the cases of one target at it until one shows a violation. */
class TargetRun {
  private readonly groups = new Map<string, number>();
  private slowestMs = 0;
  private cases = 0;

  constructor(
    private readonly target: FuzzTarget,
    private readonly run: FuzzRun,
  ) {}

  async outcome(next: NextCase): Promise<TargetOutcome> {
    const { seed, from = 0 } = this.run;
    let failure: FuzzFailure | undefined;
    while (this.cases < this.run.cases && failure === undefined && !this.isOver()) {
      const caseNumber = from + this.cases;
      const found = next(chanceOf(this.target, seed, caseNumber));
      failure = await this.judge(found, caseNumber);
      this.cases += 1;
    }
    const { cases, groups, slowestMs } = this;
    const isEnough = cases >= CASES_THAT_REACH_ALL;
    const unreached = isEnough ? this.target.groups.filter((group) => !groups.has(group)) : [];
    return { target: this.target.name, seed, cases, groups, slowestMs, failure, unreached };
  }

  private isOver(): boolean {
    if (this.cases % CASES_BETWEEN_LOOKS !== 0) return false;
    this.run.onProgress?.(this.cases);
    return this.run.isOver?.() === true;
  }

  private async judge(found: FuzzCase, caseNumber: number): Promise<FuzzFailure | undefined> {
    const watched: FuzzCase = {
      text: found.text,
      judge: (text) => {
        this.run.onJudging?.(caseNumber);
        return found.judge(text);
      },
    };
    const { group, violation, tookMs } = await judgeInTime(watched, found.text);
    this.groups.set(group, (this.groups.get(group) ?? 0) + 1);
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    if (violation === undefined) return undefined;
    return { caseNumber, violation, text: found.text, shrunk: await shrinkText(watched, violation) };
  }
}

/** Makes a target ready, throws its cases at it until one shows a violation, and ends what it held open. */
export async function runTarget(target: FuzzTarget, run: FuzzRun): Promise<TargetOutcome> {
  const { next, end } = openTargetOf(await target.prepare());
  try {
    return await new TargetRun(target, run).outcome(next);
  } finally {
    await end();
  }
}
