import { runCommand } from '../process/run-command.ts';

/** A Redis (or Valkey) server that runs here. */
export interface RedisProgram {
  readonly command: string;
  /** What it needs in its environment, e.g. where its unpacked libraries are. */
  readonly env: Readonly<Record<string, string>>;
}

/** Null when it runs; else the reason. */
export async function tryRedisProgram(program: RedisProgram): Promise<string | null> {
  const tried = await runCommand(program.command, ['--version'], {
    ...(Object.keys(program.env).length > 0 && { env: program.env }),
  });
  return tried.status === 0 ? null : tried.stderr.trim() || `exit status ${tried.status}`;
}

/** `redis-server` or `valkey-server`, whichever is on PATH. */
export async function findRedisOnPath(): Promise<RedisProgram | null> {
  for (const command of ['redis-server', 'valkey-server']) {
    const program = { command, env: {} };
    if ((await tryRedisProgram(program)) === null) return program;
  }
  return null;
}
