// npm run test:node24: the unit tests, and a chosen part of the others, with Node 24 in place of the Node that runs this.
// Node 24 comes from the npm package `node`, once, into .data. Arguments go to Jest; paths among them replace the choice.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  BootstrapFault,
  checkNode,
  ensureBuilt,
  ensureDependencies,
  root,
  runNpm,
  runOrExplain,
} from './bootstrap.mjs';
import { NOTHING_RUN, runJest } from './run-jest.mjs';

const DIRECTORY = path.join(root, '.data', 'node24');
const NODE = path.join(DIRECTORY, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** One of each kind: what Node itself may do otherwise (HTTP, sockets, TLS, workers, streams, crypto, process signals). */
const CHOSEN = [
  String.raw`\.spec\.ts$`,
  ...['spine', 'http1-cases', 'websocket', 'token-service', 'conformance-tls'].map((name) => `test/e2e/${name}\\.`),
  ...['apiops', 'shutdown', 'policy-xml'].map((name) => `control-plane/test/${name}\\.int-spec`),
  String.raw`gateway/src/(verify-jwt-scenarios|token-outages)\.int-spec`,
];

function versionOf(node) {
  if (!existsSync(node)) return '';
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
}

/** @throws BootstrapFault when there is none to be had */
function ensureNode24() {
  if (versionOf(NODE).startsWith('v24.')) return versionOf(NODE);
  console.log('Node 24 … npm install node@24');
  const installed = runNpm(['install', '--no-save', '--prefix', DIRECTORY, 'node@24'], ['ignore', 'pipe', 'pipe']);
  const version = versionOf(NODE);
  if (version.startsWith('v24.')) return version;
  throw new BootstrapFault(`Node 24 could not be had from the npm package node@24:\n${installed.stderr ?? ''}`);
}

let counts = NOTHING_RUN;
await runOrExplain(async () => {
  checkNode();
  ensureDependencies((what) => console.log(`dependencies … ${what}`));
  ensureBuilt((what) => console.log(`build … ${what}`));
  console.log(`Node 24 … ${ensureNode24()}`);
  const given = process.argv.slice(2);
  const result = await runJest(NODE, given.length > 0 ? given : CHOSEN);
  process.exitCode = result.status;
  counts = result.counts ?? NOTHING_RUN;
});
console.log(counts);
