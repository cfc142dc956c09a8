// npm run chaos [-- --minutes 10 --seed 7]: builds what is missing, then changes policies while control plane, deployers,
// gateways and Redis are killed and started again, and says what was not kept. See test/chaos.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BootstrapFault, checkNode, ensureBuilt, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

const HELP = `npm run chaos [-- options]

  --minutes <number>   how long things are killed (10); starting and settling come on top
  --seed <number>      from 0 to 4294967295: what is killed and changed, and in which order (by chance)

It ends with 1 when something was not kept, and says what. Ctrl-C ends the killing, judges what was done until then, and
stops all that was started, which takes some seconds.`;

function number(name, text, { least, most }) {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new BootstrapFault(`--${name} must be a number from ${least} to ${most}\n\n${HELP}`);
}

function readOptions() {
  const options = { minutes: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new BootstrapFault(`${error.message}\n\n${HELP}`);
  }
}

await runOrExplain(async () => {
  checkNode();
  const { help, minutes = '10', seed = String(Math.floor(Math.random() * 2 ** 32)) } = readOptions();
  if (help) return console.log(HELP);
  const wanted = [
    number('minutes', minutes, { least: 0.1, most: 24 * 60 }),
    Math.floor(number('seed', seed, { least: 0, most: 2 ** 32 - 1 })),
  ];
  ensureDependencies(console.log);
  ensureBuilt(console.log);
  const loader = path.join(root, 'test', 'bench', 'typescript-loader.mjs');
  const main = path.join(root, 'test', 'chaos', 'chaos.main.ts');
  const node = ['--no-warnings', '--conditions=app-src', '--import', loader, main];
  // Apart from this one's group: Ctrl-C would reach all that the run started as well, which it is to stop itself.
  const run = spawn(process.execPath, [...node, ...wanted.map(String)], {
    cwd: root,
    stdio: 'inherit',
    detached: true,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => run.kill('SIGTERM'));
  const [code] = await once(run, 'exit');
  process.exitCode = code ?? 1;
});
