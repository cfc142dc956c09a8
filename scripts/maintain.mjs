// npm run audit:verify and the other commands that run beside a control plane: builds what is missing, then runs
// dist/apps/control-plane/src/maintenance/<command>.main.js with the arguments as they came.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, ensureBuilt, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

await runOrExplain(async () => {
  checkNode();
  // What the command prints goes to standard output alone: it may be piped into a file.
  ensureDependencies(console.error);
  ensureBuilt(console.error);
  process.setSourceMapsEnabled(true);
  const [command, ...args] = process.argv.splice(2);
  process.argv.push(...args);
  // In this very process: a Ctrl-C reaches the command once, and nothing returns before the command has ended.
  const file = path.join(root, 'dist', 'apps', 'control-plane', 'src', 'maintenance', `${command}.main.js`);
  await import(pathToFileURL(file).href);
}, 2);
