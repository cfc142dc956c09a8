import { readFileSync, type Stats } from 'node:fs';
import { EmbeddedServerError } from '../embedded-server-error.ts';
import { runCommand } from '../process/run-command.ts';

/** The operating-system account that PostgreSQL runs under. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` on every Linux: what is left where there is no `postgres` user. */
const NOBODY: Account = { uid: 65_534, gid: 65_534 };

/**
 * PostgreSQL refuses to run as root, so root starts it under another account: the owner of an existing cluster, else
 * the user `postgres`, else nobody. Null: as whoever we are.
 *
 * @param owner of an existing cluster
 * @throws EmbeddedServerError `POSTGRES_DATA_NOT_USABLE` when the cluster belongs to somebody we cannot become
 */
export function chooseAccount(directory: string, owner: Pick<Stats, 'uid' | 'gid'> | undefined): Account | null {
  const self = process.getuid?.();
  if (self === undefined) return null;
  if (self !== 0) {
    if (owner === undefined || owner.uid === self) return null;
    throw notOurs(directory, owner.uid, 'run as that user');
  }
  if (owner === undefined) return postgresUser() ?? NOBODY;
  if (owner.uid === 0) throw notOurs(directory, 0, `chown -R nobody ${directory}`);
  return { uid: owner.uid, gid: owner.gid };
}

const notOurs = (directory: string, uid: number, remedy: string): EmbeddedServerError =>
  new EmbeddedServerError(
    'POSTGRES_DATA_NOT_USABLE',
    `the database in ${directory} belongs to the user with number ${uid}, under which PostgreSQL cannot be run from here`,
    [remedy, 'or use another data directory'],
  );

function postgresUser(): Account | null {
  try {
    const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
    return line === null ? null : { uid: Number(line[1]), gid: Number(line[2]) };
  } catch {
    return null;
  }
}

/** Whether the account can enter a directory. Tried out, because mode bits do not tell of ACLs and mounts. */
export async function canEnter(directory: string, account: Account | null): Promise<boolean> {
  if (account === null) return true;
  const tried = await runCommand('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { ...account, cwd: '/' });
  return tried.status === 0;
}
