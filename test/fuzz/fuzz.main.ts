import { outcomeText } from './fuzz-report.ts';
import { casesByTarget, FUZZ_TARGETS } from './fuzz-targets.ts';
import { runTarget } from './run-target.ts';

interface Wanted {
  readonly cases: number;
  readonly seed: number;
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
const startedMs = Date.now();
const showProgress = (name: string, of: number) => (cases: number) => {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${name} ${cases} of ${of}`);
};
const clearProgress = (): void => {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
};

console.log(`seed ${wanted.seed}`);
let judged = 0;
for (const [target, cases] of casesByTarget(targets, wanted.cases)) {
  const isOver = (): boolean => Date.now() >= endMs;
  const outcome = await runTarget(target, { ...wanted, cases, isOver, onProgress: showProgress(target.name, cases) });
  clearProgress();
  console.log(outcomeText(outcome));
  judged += outcome.cases;
  if (outcome.failure !== undefined) process.exitCode = 1;
}
console.log(`${judged} cases in ${Math.round((Date.now() - startedMs) / 1000)} s`);
