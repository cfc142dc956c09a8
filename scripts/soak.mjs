// npm run soak [-- --minutes 10]: builds what is missing, then lets mixed traffic through two gateways while their
// configuration changes every second, and says what was not as it had to be. See test/soak.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BootstrapFault, checkNode, ensureBuilt, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

const HELP = `npm run soak [-- options]

  --minutes <number>   how long there is traffic (10); starting and stopping come on top

It ends with 1 when any answer was not the one that had to come, or when memory or sockets of a gateway grew: that is judged
from 3 minutes on. Ctrl-C ends the traffic, judges what was done until then, and stops all that was started.`;

function readOptions() {
  const options = { minutes: { type: 'string' }, help: { type: 'boolean' } };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new BootstrapFault(`${error.message}\n\n${HELP}`);
  }
}

await runOrExplain(async () => {
  checkNode();
  const { help, minutes = '10' } = readOptions();
  if (help) return console.log(HELP);
  const wanted = Number(minutes);
  if (!(wanted >= 0.1 && wanted <= 24 * 60)) {
    throw new BootstrapFault(`--minutes must be a number from 0.1 to ${24 * 60}\n\n${HELP}`);
  }
  ensureDependencies(console.log);
  ensureBuilt(console.log);
  const loader = path.join(root, 'test', 'bench', 'typescript-loader.mjs');
  const main = path.join(root, 'test', 'soak', 'soak.main.ts');
  const node = ['--no-warnings', '--conditions=app-src', '--import', loader, main, minutes];
  // Apart from this one's group: Ctrl-C would reach all that the run started as well, which it is to stop itself.
  const run = spawn(process.execPath, node, { cwd: root, stdio: 'inherit', detached: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => run.kill('SIGTERM'));
  const [code] = await once(run, 'exit');
  process.exitCode = code ?? 1;
});
