// npm test: installs what is missing, builds (the end-to-end tests run the built programs), runs the suite.
// Arguments go to Jest. The last line is the count of tests, also after what the teardown prints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { checkNode, ensureBuilt, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

const COUNTS = /^\d+ passed, \d+ failed, \d+ skipped$/;

/** Runs Jest, holding back the line with the counts; the last one seen is the one of the whole run. */
async function runJest(args) {
  const jest = path.join('node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(process.execPath, ['--no-warnings', '--experimental-vm-modules', jest, ...args], {
    cwd: root,
    stdio: ['inherit', 'pipe', 'inherit'],
    env: { ...process.env, npm_config_loglevel: 'silent' },
  });
  // Ctrl-C reaches Jest by itself, which stops the servers: wait for that.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  let counts;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (COUNTS.test(line)) counts = line;
    else console.log(line);
  });
  const [status] = await once(child, 'close');
  return { status: status ?? 1, counts };
}

let counts = '0 passed, 1 failed, 0 skipped';
await runOrExplain(async () => {
  checkNode();
  console.log(`dependencies … ${ensureDependencies((what) => console.log(`dependencies … ${what}`))}`);
  console.log(`build … ${ensureBuilt((what) => console.log(`build … ${what}`))}`);
  const result = await runJest(process.argv.slice(2));
  process.exitCode = result.status;
  if (result.counts !== undefined) counts = result.counts;
  // Jest's options such as --listTests run no test at all.
  else if (result.status === 0) counts = '0 passed, 0 failed, 0 skipped';
});
console.log(counts);
