import { spawnSync } from 'node:child_process';

/** Programs of others that tests and benchmarks run, by the Debian package that brings each. */
const PACKAGES = {
  curl: 'curl',
  haproxy: 'haproxy',
  nginx: 'nginx-light',
  openssl: 'openssl',
  taskset: 'util-linux',
  wrk: 'wrk',
} as const;

export type Tool = keyof typeof PACKAGES;

/** Servers of a distribution are in directories that the PATH of a user may leave out. */
const SEARCHED = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/local/sbin`;

function pathOf(tool: Tool): string | undefined {
  const found = spawnSync('sh', ['-c', `command -v ${tool}`], { env: { PATH: SEARCHED }, encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** RUNLEVEL=1 keeps start scripts from starting the services that the packages bring. */
function apt(...args: string[]): void {
  const quiet = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const env = { ...process.env, ...quiet };
  spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function install(packages: readonly string[]): void {
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...packages);
}

/**
 * Where each of these programs is; as root, missing ones are installed from the distribution, as Redis is.
 *
 * @throws Error naming what is missing and the command that brings it
 */
export function obtainTools<Name extends Tool>(tools: readonly Name[]): Readonly<Record<Name, string>> {
  const missing = (): readonly Name[] => tools.filter((tool) => pathOf(tool) === undefined);
  const packagesOf = (names: readonly Name[]): string[] => [...new Set(names.map((name) => PACKAGES[name]))];
  if (missing().length > 0 && isRoot()) install(packagesOf(missing()));
  const lacking = missing();
  if (lacking.length > 0) {
    const command = `apt-get install -y ${packagesOf(lacking).join(' ')}`;
    throw new Error(`not found: ${lacking.join(', ')}; on Debian: ${command}`);
  }
  return Object.fromEntries(tools.map((tool) => [tool, pathOf(tool)])) as Record<Name, string>;
}

/** What a program says of its version, in one line. */
export function versionOf(program: string, option: string): string {
  const { stdout, stderr } = spawnSync(program, [option], { encoding: 'utf8' });
  return `${stdout}${stderr}`.trim().split('\n')[0] ?? '';
}
