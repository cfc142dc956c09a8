// npm run audit:verify and the other commands that run beside a control plane: builds what is missing, then runs
// dist/apps/control-plane/src/maintenance/<command>.main.js with the arguments as they came.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { checkNode, ensureBuilt, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

await runOrExplain(async () => {
  checkNode();
  // What the command prints goes to standard output alone: it may be piped into a file.
  ensureDependencies(console.error);
  ensureBuilt(console.error);
  const [command, ...args] = process.argv.slice(2);
  const file = path.join(root, 'dist', 'apps', 'control-plane', 'src', 'maintenance', `${command}.main.js`);
  const ran = spawnSync(process.execPath, ['--enable-source-maps', file, ...args], { stdio: 'inherit' });
  process.exitCode = ran.status ?? 2;
});
