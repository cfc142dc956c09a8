// Runs Jest and holds back its line with the counts, which has to be the last one of whatever runs it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './bootstrap.mjs';

const COUNTS = /^\d+ passed, \d+ failed, \d+ skipped$/;

/** Where nothing could be counted. */
export const NOTHING_RUN = '0 passed, 1 failed, 0 skipped';

/** @param {string} node the program; @returns exit status and counts: undefined when Jest printed none */
export async function runJest(node, args) {
  const jest = path.join('node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(node, ['--no-warnings', '--experimental-vm-modules', jest, ...args], {
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
