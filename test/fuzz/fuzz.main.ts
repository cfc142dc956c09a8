import { FUZZ_TARGETS } from './all-targets.ts';
import { type FuzzTarget } from './fuzz-target.ts';
import { outcomeText, perSecond, verdictOf } from './fuzz-report.ts';
import { HangWatch } from './hang-watch.ts';
import { runTarget, type TargetOutcome } from './run-target.ts';

interface Wanted {
  /** Of each target. */
  readonly cases: number;
  readonly seed: number;
  /** null: from the first on. */
  readonly case: number | null;
  /** null: no limit. */
  readonly minutes: number | null;
  /** Names; none: all. */
  readonly targets: readonly string[];
}

/** `fuzz.main.ts <options as JSON>`, as `npm run fuzz` calls it. */
const wanted = JSON.parse(process.argv[2] ?? '') as Wanted;
const names = FUZZ_TARGETS.map(({ name }) => name);
const unknown = wanted.targets.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`--target ${unknown.join(', ')} is none of: ${names.join(', ')}`);
  process.exit(1);
}

const targets = FUZZ_TARGETS.filter(({ name }) => wanted.targets.length === 0 || wanted.targets.includes(name));
const endMs = wanted.minutes === null ? Infinity : Date.now() + wanted.minutes * 60_000;
const watch = new HangWatch(names, wanted.seed);
/** What nobody catches ends the process with its stack; this says where it was. */
let running = '';
process.on('uncaughtExceptionMonitor', () => console.error(`\nFAILED  ${running}: an error that nobody caught`));

const showProgress = (name: string, of: number) => (cases: number) => {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${name} ${cases} of ${of}`);
};
const clearProgress = (): void => {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
};

async function run(target: FuzzTarget): Promise<TargetOutcome> {
  const cases = wanted.case === null ? wanted.cases : 1;
  const outcome = await runTarget(target, {
    ...{ seed: wanted.seed, cases, from: wanted.case ?? 0 },
    isOver: () => Date.now() >= endMs,
    onProgress: showProgress(target.name, cases),
    onJudging: (caseNumber) => {
      running = `${target.name}, seed ${wanted.seed}, case ${caseNumber} or one before`;
      watch.judging(names.indexOf(target.name), caseNumber);
    },
  });
  watch.idle();
  clearProgress();
  return outcome;
}

console.log(`seed ${wanted.seed}`);
const startedMs = performance.now();
const outcomes: TargetOutcome[] = [];
for (const target of targets) {
  const sinceMs = performance.now();
  const outcome = await run(target);
  outcomes.push(outcome);
  console.log(outcomeText(outcome, performance.now() - sinceMs));
}
const judged = outcomes.reduce((sum, { cases }) => sum + cases, 0);
const count = (verdict: string): number => outcomes.filter((outcome) => verdictOf(outcome) === verdict).length;
const [failed, notRun] = [count('FAILED'), count('not run')];
const tookMs = performance.now() - startedMs;
console.log(
  `${outcomes.length} targets, ${judged} cases, ${failed} failed${notRun === 0 ? '' : `, ${notRun} not run`} in ${Math.round(tookMs / 1_000)} s, ${perSecond(judged, tookMs)}`,
);
// What a target leaves open must not keep the command from ending.
process.exit(failed === 0 ? 0 : 1);
