// npm run bench [-- name …]: runs the benchmarks of test/bench, each in a process of its own, against the built libs.
// They print ratios within one run; the figures themselves belong to the machine. What begins with -- goes to the benchmark.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { BootstrapFault, checkNode, ensureBuilt, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

const ENDING = '.bench.ts';
const folder = path.join(root, 'test', 'bench');

await runOrExplain(async () => {
  checkNode();
  const known = readdirSync(folder).filter((file) => file.endsWith(ENDING));
  const names = known.map((file) => file.slice(0, -ENDING.length));
  const given = process.argv.slice(2);
  const options = given.filter((word) => word.startsWith('--'));
  const wanted = given.filter((word) => !word.startsWith('--'));
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0 || options.includes('--help')) {
    throw new BootstrapFault(`npm run bench [-- name …]; the benchmarks are: ${names.join(', ')}`);
  }
  if (options.length > 0 && wanted.length !== 1) throw new BootstrapFault('options go to one benchmark: name it');
  ensureDependencies(console.log);
  ensureBuilt(console.log);
  for (const name of wanted.length > 0 ? wanted : names) {
    console.log(`\n== ${name}`);
    const loader = path.join(root, 'test', 'bench', 'typescript-loader.mjs');
    const ran = spawnSync(
      process.execPath,
      ['--no-warnings', '--import', loader, path.join(folder, `${name}${ENDING}`), ...options],
      {
        cwd: root,
        stdio: 'inherit',
      },
    );
    if (ran.status !== 0) process.exitCode = 1;
  }
});
