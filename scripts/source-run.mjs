// What commands have in common that run a TypeScript program of test/ against the built programs: options and the run itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BootstrapFault, checkNode, ensureBuilt, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

/** Text options by name, and --help. @throws BootstrapFault that ends with the help */
function readOptions(names, help) {
  const text = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  try {
    return parseArgs({ options: { ...text, help: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new BootstrapFault(`${error.message}\n\n${help}`);
  }
}

/** One of the wanted numbers. @throws BootstrapFault when it is none, or outside */
function numberIn(name, text, { least, most, isWhole = false }, help) {
  const value = Number(text);
  const isFit = text.trim() !== '' && value >= least && value <= most;
  if (!isFit) throw new BootstrapFault(`--${name} must be a number from ${least} to ${most}\n\n${help}`);
  return isWhole ? Math.floor(value) : value;
}

/** Apart from this one's group: Ctrl-C would reach all that the program started as well, which it is to stop itself. */
async function runToItsEnd(main, numbers) {
  const loader = path.join(root, 'test', 'bench', 'typescript-loader.mjs');
  const node = ['--no-warnings', '--conditions=app-src', '--import', loader, path.join(root, main)];
  const run = spawn(process.execPath, [...node, ...numbers.map(String)], {
    cwd: root,
    stdio: 'inherit',
    detached: true,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => run.kill('SIGTERM'));
  const [code] = await once(run, 'exit');
  process.exitCode = code ?? 1;
}

/**
 * Builds what is missing and runs `main` (a path from the root), which gets the numbers in the order of their declaration.
 * `numbers`: by name of the option `{ standard: () => text, least, most, isWhole }`.
 */
export const runWithNumbers = ({ main, help, numbers }) =>
  runOrExplain(async () => {
    checkNode();
    const given = readOptions(Object.keys(numbers), help);
    if (given.help) return console.log(help);
    const wanted = Object.entries(numbers).map(([name, { standard, ...range }]) =>
      numberIn(name, given[name] ?? standard(), range, help),
    );
    ensureDependencies(console.log);
    ensureBuilt(console.log);
    await runToItsEnd(main, wanted);
  });
