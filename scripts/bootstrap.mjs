// What `npm run up` and `npm test` do before anything else. Uses nothing but Node: there may be no dependencies yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

const MINIMUM_NODE = [20, 19];
/** Of those who do the work: what a command prints itself may be piped into a file. */
const STDERR = 2;
const MARKER = path.join(root, 'node_modules', '.gatewarden-installed');

/** An expected fault: its message is all that the person needs. */
export class BootstrapFault extends Error {}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isEnough = major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1]);
  if (isEnough) return;
  throw new BootstrapFault(
    `Node ${MINIMUM_NODE.join('.')} or later is needed, this is ${process.versions.node}.\n` +
      '  See https://nodejs.org, or: npx -y -p node@24 npm run up',
  );
}

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');

/** Up to date: the marker written after the last install names the lock file as it is now, for this Node and machine. */
const installedState = () => `${lockHash()} ${process.versions.modules} ${process.platform}-${process.arch}`;

function isInstalled() {
  if (!existsSync(MARKER)) return hasFreshNpmInstall();
  return readFileSync(MARKER, 'utf8') === installedState();
}

/** Installed by hand with npm: npm's own record is then newer than the lock file. */
function hasFreshNpmInstall() {
  const record = statSync(path.join(root, 'node_modules', '.package-lock.json'), { throwIfNoEntry: false });
  if (record === undefined || record.mtimeMs < statSync(path.join(root, 'package-lock.json')).mtimeMs) return false;
  return existsSync(path.join(root, 'node_modules', 'typescript', 'package.json'));
}

/** `npm run` names the npm that runs us; otherwise the one on PATH. */
export function runNpm(args, stdio) {
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const options = [...args, '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  // NODE_ENV=production would leave out the compiler.
  return spawnSync(command, [...first, ...options, '--include=dev'], { cwd: root, stdio, encoding: 'utf8' });
}

/** Installs exactly what the lock file says. Returns what was done, for people. */
export function ensureDependencies(announce = () => undefined) {
  if (isInstalled()) return 'up to date';
  announce('npm ci (a minute or so the first time)');
  const clean = runNpm(['ci'], ['ignore', STDERR, 'pipe']);
  if (clean.error !== undefined) throw new BootstrapFault(`npm cannot be run: ${clean.error.message}`);
  let how = 'installed';
  if (clean.status !== 0) {
    // Only where npm finds fault with the lock file itself, as some releases do with binaries of other platforms.
    if (!/EUSAGE|from lock file|in sync/.test(clean.stderr)) throw installFault(clean.stderr);
    announce('npm ci does not accept the lock file, npm install does');
    const loose = runNpm(['install', '--no-save'], ['ignore', STDERR, 'pipe']);
    if (loose.status !== 0) throw installFault(loose.stderr);
    how = 'installed (npm install)';
  }
  writeFileSync(MARKER, installedState());
  return how;
}

const installFault = (stderr) =>
  new BootstrapFault(
    `the dependencies could not be installed:\n${stderr.trim().split('\n').slice(-12).join('\n')}\n` +
      '  Check the network and the registry (npm config get registry), then try again.',
  );

/** Newest change below a directory, in milliseconds; tests do not count, they are not built. */
function newestChangeMs(directory) {
  // A folder changes when something in it is deleted or renamed.
  let newest = statSync(directory).mtimeMs;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestChangeMs(file));
    else if (/\.(ts|sql|lua)$/.test(entry.name)) newest = Math.max(newest, statSync(file).mtimeMs);
  }
  return newest;
}

const BUILD_MARKER = path.join(root, 'dist', '.built');

function isBuilt() {
  const built = statSync(BUILD_MARKER, { throwIfNoEntry: false });
  if (built === undefined) return false;
  const inputs = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
  const newestMs = Math.max(
    ...inputs.map((name) => statSync(path.join(root, name)).mtimeMs),
    ...['apps', 'libs'].map((name) => newestChangeMs(path.join(root, name))),
  );
  return newestMs < built.mtimeMs;
}

/** Builds when a source is newer than the last complete build. Returns what was done, for people. */
export function ensureBuilt(announce = () => undefined) {
  if (isBuilt()) return 'up to date';
  announce('compiling');
  const startedAt = new Date();
  const built = spawnSync(process.execPath, [path.join(root, 'scripts', 'build.mjs')], {
    cwd: root,
    stdio: ['inherit', STDERR, STDERR],
  });
  if (built.status !== 0) throw new BootstrapFault('the build failed: see the errors above');
  // A source saved during the build is newer than its beginning, hence built again the next time.
  writeFileSync(BUILD_MARKER, '');
  utimesSync(BUILD_MARKER, startedAt, startedAt);
  return 'built';
}

/** Runs the steps; an expected fault ends the process with its message, `faultCode`, and without a stack trace. */
export async function runOrExplain(steps, faultCode = 1) {
  try {
    await steps();
  } catch (error) {
    if (!(error instanceof BootstrapFault)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = faultCode;
  }
}
