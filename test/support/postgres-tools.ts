import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findFreePort, startEmbeddedPostgres, type RunningServer } from '#libs/embedded-servers';
import { unpackedPostgres, unpackPostgres, type PostgresPrograms } from './unpacked-postgres.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** Where Debian and its kind keep the programs of each version; on the PATH there may be the client's alone. */
const VERSIONED = '/usr/lib/postgresql';
const EMBEDDED_MAJOR = 18;

/** `pg_dump` and `pg_restore`, and clusters that they can read. */
export interface DumpTools extends PostgresPrograms {
  readonly version: string;
  readonly newCluster: (dataDir: string) => Promise<RunningServer>;
}

/** Where a logical restore can be done with PostgreSQL's own programs; undefined where there are none. */
export function findDumpTools(): DumpTools | undefined {
  const versioned = existsSync(VERSIONED)
    ? readdirSync(VERSIONED).map((name) => path.join(VERSIONED, name, 'bin'))
    : [];
  const onPath = (process.env['PATH'] ?? '').split(path.delimiter);
  const places: PostgresPrograms[] = [...versioned.sort().reverse(), ...onPath].map((directory) => ({
    ...{ directory, environment: {} },
  }));
  const unpacked = unpackedPostgres();
  for (const place of unpacked === undefined ? places : [...places, unpacked]) {
    const tools = toolsIn(place);
    if (tools !== undefined) return tools;
  }
  return undefined;
}

/** The same; where there are none, the distribution's are unpacked. @throws Error that names the way out */
export function obtainDumpTools(): DumpTools {
  const tools = findDumpTools() ?? toolsIn(unpackPostgres());
  if (tools === undefined) throw new Error('no pg_dump, pg_restore, initdb and postgres in what was unpacked');
  return tools;
}

function toolsIn(place: PostgresPrograms): DumpTools | undefined {
  const { directory, environment } = place;
  if (!['pg_dump', 'pg_restore'].every((name) => existsSync(path.join(directory, name)))) return undefined;
  const env = { ...process.env, ...environment };
  const text = execFileSync(path.join(directory, 'pg_dump'), ['--version'], { encoding: 'utf8', env });
  const version = /\d+(\.\d+)?/.exec(text)?.[0];
  if (version === undefined) return undefined;
  const hasServer = ['initdb', 'postgres'].every((name) => existsSync(path.join(directory, name)));
  // A pg_dump reads servers of its own version and of earlier ones.
  if (Number.parseInt(version) >= EMBEDDED_MAJOR) return { ...place, version, newCluster: newEmbeddedCluster };
  return hasServer ? { ...place, version, newCluster: (dataDir) => newClusterOf(place, dataDir) } : undefined;
}

export const newEmbeddedCluster = (dataDir: string): Promise<RunningServer> =>
  startEmbeddedPostgres({ dataDir, durable: false });

/** Everything of one database into a file. */
export async function dump({ directory, environment }: DumpTools, from: string, file: string): Promise<void> {
  const env = { ...process.env, ...environment };
  await run(path.join(directory, 'pg_dump'), ['--format=custom', `--file=${file}`, from], { env });
}

/** Everything of such a file into an empty database. */
export async function restore({ directory, environment }: DumpTools, to: string, file: string): Promise<void> {
  const env = { ...process.env, ...environment };
  await run(path.join(directory, 'pg_restore'), ['--exit-on-error', '--no-owner', `--dbname=${to}`, file], { env });
}

export async function dumpAndRestore(tools: DumpTools, from: string, to: string, file: string): Promise<void> {
  await dump(tools, from, file);
  await restore(tools, to, file);
}

/** The rows of every table and the state of every sequence, into a database that has the same tables. */
export async function copyRows(from: pg.Pool, to: pg.Pool): Promise<void> {
  const { rows: tables } = await from.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by 1`,
  );
  await to.query(`truncate ${tables.map(({ name }) => name).join(', ')}`);
  for (const { name } of tables) {
    const { rows } = await from.query<{ rows: string }>(
      `select coalesce(json_agg(t), '[]')::text as rows from ${name} t`,
    );
    await to.query(
      `insert into ${name} overriding system value select * from json_populate_recordset(null::${name}, $1)`,
      [rows[0]?.rows],
    );
  }
  const { rows: sequences } = await from.query<{ name: string; last_value: string | null }>(
    `select quote_ident(sequencename) as name, last_value from pg_sequences where schemaname = 'public'`,
  );
  for (const { name, last_value: last } of sequences) {
    if (last !== null) await to.query('select setval($1::regclass, $2)', [name, last]);
  }
}

/** PostgreSQL does not run as root: whoever it is to run as then. */
function account(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return { uid: Number(line?.[1] ?? 65_534), gid: Number(line?.[2] ?? 65_534) };
}

/** A cluster of another version than ours, with the one database `gatewarden`. */
async function newClusterOf({ directory, environment }: PostgresPrograms, dataDir: string): Promise<RunningServer> {
  const as = { ...account(), cwd: '/', env: { ...process.env, ...environment } };
  mkdirSync(dataDir, { recursive: true });
  chmodSync(dataDir, 0o700);
  if (as.uid !== undefined && as.gid !== undefined) chownSync(dataDir, as.uid, as.gid);
  const locale = ['--encoding=UTF8', '--locale=C', '--no-sync', '--auth=trust', '--username=gatewarden'];
  await run(path.join(directory, 'initdb'), ['-D', dataDir, ...locale], as);
  const port = await findFreePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'];
  const args = ['-D', dataDir, ...settings.flatMap((setting) => ['-c', setting])];
  const child = spawn(path.join(directory, 'postgres'), args, { ...as, stdio: 'ignore' });
  const exited = once(child, 'exit').then(() => undefined);
  const stop = async (): Promise<void> => {
    child.kill('SIGINT');
    await exited;
  };
  const url = (name: string) => `postgres://gatewarden@127.0.0.1:${port}/${name}`;
  await until('the cluster answers', async () => {
    const client = new pg.Client({ connectionString: url('postgres') });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('create database gatewarden');
      return true;
    } finally {
      await client.end();
    }
  });
  return { url: url('gatewarden'), port, pid: child.pid ?? 0, exited, stop };
}
