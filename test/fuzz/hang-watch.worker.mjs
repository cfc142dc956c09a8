// The other thread of hang-watch.ts. Plain JavaScript: it has to be there at once, and while the first thread hangs.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const LOOK_EVERY_MS = 500;
const STDERR = 2;
const { state, targets, seed, longestMs } = workerData;
let seen = '';
let sinceMs = 0;

function look() {
  const [target, caseNumber, judged] = [0, 1, 2].map((place) => Atomics.load(state, place));
  const now = `${target} ${caseNumber} ${judged}`;
  if (target < 0 || now !== seen) {
    seen = now;
    sinceMs = performance.now();
  } else if (performance.now() - sinceMs > longestMs) {
    const name = targets[target];
    const again = `npm run fuzz -- --target ${name} --seed ${seed} --case ${caseNumber}`;
    writeSync(STDERR, `\nHUNG    ${name}: one text for more than ${longestMs / 1_000} s\n`);
    writeSync(STDERR, `  seed ${seed}, case ${caseNumber}; again: ${again}\n`);
    // The other thread cannot be asked any more.
    process.kill(process.pid, 'SIGKILL');
  }
}

setInterval(look, LOOK_EVERY_MS);
