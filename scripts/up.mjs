// npm run up: everything of the local stack, from a fresh clone. Uses nothing but Node until the dependencies are there.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { BootstrapFault, checkNode, ensureBuilt, ensureDependencies, root, runOrExplain } from './bootstrap.mjs';

const FLAGS = [
  { name: 'port', value: 'PORT', meaning: 'control plane (default 3000)' },
  { name: 'gateway-port', value: 'PORT', meaning: 'first gateway, the second has the next one (default 8080)' },
  { name: 'admin-port', value: 'PORT', meaning: "first gateway's health and metrics, the second next (default 9090)" },
  { name: 'upstream-port', value: 'PORT', meaning: 'sample upstream (default 4000)' },
  { name: 'data-dir', value: 'DIR', meaning: 'where everything is kept between runs (default .data)' },
  { name: 'no-demo', meaning: 'start the processes only: no sample upstream, no demo proxies' },
  { name: 'help', meaning: 'show this' },
];

const HELP = `npm run up -- [flags]

Installs what is missing, builds, and runs a control plane, two gateways, a sample
upstream and, unless REDIS_URL is set, a Redis of its own. Ctrl-C stops all of it;
the next run goes on with the same data.

${FLAGS.map(({ name, value, meaning }) => `  ${`--${name}${value ? ` ${value}` : ''}`.padEnd(22)}${meaning}`).join('\n')}

Environment: REDIS_URL, DATABASE_URL (with MASTER_KEY), ADMIN_TOKEN, LOG_LEVEL (default warn).
`;

function readFlags() {
  const options = Object.fromEntries(FLAGS.map(({ name, value }) => [name, { type: value ? 'string' : 'boolean' }]));
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new BootstrapFault(`${error.message.split('.')[0]}\n\n${HELP}`);
  }
}

await runOrExplain(async () => {
  if (readFlags().help) {
    process.stdout.write(HELP);
    return;
  }
  checkNode();
  console.log(`[1/8] dependencies … ${ensureDependencies((what) => console.log(`[1/8] dependencies … ${what}`))}`);
  console.log(`[2/8] build … ${ensureBuilt((what) => console.log(`[2/8] build … ${what}`))}`);
  process.setSourceMapsEnabled(true);
  // In this very process: a signal reaches the stack once, and a kill -9 leaves no second process holding the lock.
  await import(pathToFileURL(path.join(root, 'dist', 'apps', 'local-stack', 'src', 'main.js')).href);
});
