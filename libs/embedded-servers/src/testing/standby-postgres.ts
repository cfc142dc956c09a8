import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findFreePort } from '../free-port.ts';
import { findPostgresBinaries } from '../postgres/binaries.ts';
import { POSTGRES_ENVIRONMENT } from '../postgres/cluster.ts';
import { STOP_POSTGRES } from '../postgres/postmaster.ts';
import { ownProcess } from '../process/owned-process.ts';
import { openServerLog } from '../process/server-log.ts';

/** A server that follows another one until it is promoted. */
export interface Standby {
  readonly url: string;
  stop(): Promise<void>;
  /** With -9; fulfils when it is gone. */
  kill(): Promise<void>;
}

const KILL = { signal: 'SIGKILL', waitMs: 30_000 } as const;

const clusterIn = (dataDir: string): string => path.join(dataDir, 'postgres');

/** With owners and modes. @param from data directory of an embedded PostgreSQL that is stopped */
export function copyCluster(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  execFileSync('cp', ['-a', clusterIn(from), clusterIn(to)]);
}

/** What a standby is told of the server it follows. */
const connectionTo = (url: string): string => {
  const { hostname, port, username, password } = new URL(url);
  return `host=${hostname} port=${port} user=${username} password=${password}`;
};

/**
 * Starts a copy of a cluster as a hot standby. It takes connections a little later.
 *
 * @param follows address of a server that has the same history, with its password
 */
export async function startStandby(dataDir: string, follows: string): Promise<Standby> {
  const cluster = clusterIn(dataDir);
  const { uid, gid } = statSync(path.join(cluster, 'PG_VERSION'));
  const account = process.getuid?.() === 0 ? { uid, gid } : null;
  appendFileSync(path.join(cluster, 'postgresql.auto.conf'), `primary_conninfo = '${connectionTo(follows)}'\n`);
  writeFileSync(path.join(cluster, 'standby.signal'), '');
  rmSync(path.join(cluster, 'postmaster.pid'), { force: true });
  if (account !== null) execFileSync('chown', ['-R', `${uid}:${gid}`, cluster]);
  const { postgres } = await findPostgresBinaries(account, () => undefined);
  const port = await findFreePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  const log = openServerLog(path.join(dataDir, 'postgres.log'));
  const child = spawn(postgres, ['-D', cluster, ...settings.flatMap((setting) => ['-c', setting])], {
    ...{ ...account, cwd: '/', env: POSTGRES_ENVIRONMENT, detached: true },
    stdio: ['ignore', log.descriptor, log.descriptor],
  });
  log.release();
  const owned = await ownProcess(child, 'SIGINT');
  const url = new URL(follows);
  url.port = String(port);
  return { url: url.href, stop: () => owned.stop(STOP_POSTGRES), kill: () => owned.stop([KILL]) };
}
