// npm run fuzz [-- --target policy-json --cases 100000 --seed 7]: throws random and spoilt texts at everything that reads what
// strangers send, and compares with slow references. From the sources, so nothing needs to be built. See test/fuzz and
// docs/explanation/fuzzing.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BootstrapFault, checkNode, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

const HELP = `npm run fuzz [-- options]

  --cases <number>     of each target (100000)
  --seed <number>      from 0 to 4294967295 (by chance): the same seed makes the same cases
  --minutes <number>   ends after this time, however many cases are left (no limit); names what was not run
  --target <name>      only this one; may be given several times
  --case <number>      only the case of this number, to see a failure again

At the first violation of a target it prints seed, case number, the input, what is left of it when it is shrunk, and the
command that shows it again. A case that takes more than 1 s of a processor is a violation; one that does not end within
60 s ends the command. It ends with 1 when there was any of these.`;

function number(name, text, { least, most, whole }) {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new BootstrapFault(`--${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}\n\n${HELP}`);
}

function readOptions() {
  const text = { type: 'string' };
  const options = {
    cases: text,
    seed: text,
    minutes: text,
    case: text,
    target: { type: 'string', multiple: true },
    help: { type: 'boolean' },
  };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new BootstrapFault(`${error.message}\n\n${HELP}`);
  }
}

await runOrExplain(async () => {
  checkNode();
  const given = readOptions();
  if (given.help) return console.log(HELP);
  const { cases = '100000', seed = String(Math.floor(Math.random() * 2 ** 32)), minutes, target = [] } = given;
  const wanted = {
    cases: number('cases', cases, { least: 1, most: 2 ** 31 - 1, whole: true }),
    seed: number('seed', seed, { least: 0, most: 2 ** 32 - 1, whole: true }),
    minutes: minutes === undefined ? null : number('minutes', minutes, { least: 0.01, most: 24 * 60, whole: false }),
    case: given.case === undefined ? null : number('case', given.case, { least: 0, most: 2 ** 31 - 1, whole: true }),
    targets: target,
  };
  ensureDependencies(console.log);
  const loader = path.join(root, 'test', 'bench', 'typescript-loader.mjs');
  const main = path.join(root, 'test', 'fuzz', 'fuzz.main.ts');
  const node = ['--no-warnings', '--conditions=app-src', '--import', loader, main, JSON.stringify(wanted)];
  const run = spawn(process.execPath, node, { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => run.kill(signal));
  const [code] = await once(run, 'exit');
  process.exitCode = code ?? 1;
});
