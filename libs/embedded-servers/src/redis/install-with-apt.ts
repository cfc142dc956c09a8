import { existsSync } from 'node:fs';
import { lastLines, runCommand, type CommandResult } from '../process/run-command.ts';
import { findRedisOnPath, type RedisProgram } from './redis-program.ts';

/** How obtaining a server ended. */
export type ObtainOutcome =
  { readonly kind: 'obtained'; readonly program: RedisProgram } | { readonly kind: 'failed'; readonly reason: string };

/** RUNLEVEL=1 keeps SysV start scripts from starting the service that the package brings. */
const apt = (...args: string[]): Promise<CommandResult> =>
  runCommand('env', ['DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', ...args]);

/** Whether this system has apt-get. */
export const hasApt = async (): Promise<boolean> => (await runCommand('apt-get', ['--version'])).status === 0;

/** As root: the distribution's package. The service that systemd starts with it on port 6379 is switched off again. */
export async function installRedisWithApt(onProgress: (message: string) => void): Promise<ObtainOutcome> {
  onProgress('installing redis-server with apt-get');
  const updated = await apt('update');
  let reason = lastLines(updated.stderr, 3);
  for (const name of ['redis-server', 'valkey-server']) {
    const installed = await apt('install', '-y', '--no-install-recommends', name);
    if (existsSync('/run/systemd/system')) await runCommand('systemctl', ['disable', '--now', `${name}.service`]);
    const program = await findRedisOnPath();
    if (program !== null) return { kind: 'obtained', program };
    reason ||= lastLines(installed.stderr, 3);
  }
  return { kind: 'failed', reason };
}
