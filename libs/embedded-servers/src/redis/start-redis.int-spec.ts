import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { EmbeddedServerError } from '../embedded-server-error.ts';
import { identifyProcess } from '../process/process-identity.ts';
import { type RunningServer } from '../running-server.ts';
import { killChildScripts, runChildScript } from '../testing/child-script.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../testing/temporary-directory.ts';
import { startRedis, type RedisOptions } from './start-redis.ts';

const running: RunningServer[] = [];

async function start(options: RedisOptions): Promise<RunningServer> {
  const server = await startRedis(options);
  running.push(server);
  return server;
}

async function withClient<Result>(url: string, use: (client: Redis) => Promise<Result>): Promise<Result> {
  const client = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function failureOf(starting: Promise<RunningServer>): Promise<EmbeddedServerError> {
  try {
    running.push(await starting);
  } catch (error) {
    if (error instanceof EmbeddedServerError) return error;
    throw error;
  }
  throw new Error('it started');
}

describe('our own Redis', () => {
  afterEach(async () => {
    await killChildScripts();
    await Promise.all(running.splice(0).map((server) => server.stop()));
    removeTemporaryDirectories();
  });

  it('listens on loopback only, never evicts and appends every write to a file', async () => {
    const server = await start({ dataDir: temporaryDirectory() });
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    const settings = await withClient(server.url, (client) =>
      client.config('GET', 'bind', 'maxmemory-policy', 'appendonly', 'appendfsync'),
    );
    expect(settings).toEqual(
      expect.arrayContaining(['bind', '127.0.0.1', 'maxmemory-policy', 'noeviction', 'appendonly', 'yes', 'everysec']),
    );
  });

  it('keeps its data from one start to the next', async () => {
    const dataDir = temporaryDirectory();
    const first = await start({ dataDir });
    await withClient(first.url, (client) => client.set('kept', '7'));
    await first.stop();
    await first.exited;
    const second = await start({ dataDir });
    expect(await withClient(second.url, (client) => client.get('kept'))).toBe('7');
  });

  it('keeps nothing when it is told so', async () => {
    const dataDir = temporaryDirectory();
    const first = await start({ dataDir, appendOnly: false });
    await withClient(first.url, (client) => client.set('gone', '7'));
    await first.stop();
    const second = await start({ dataDir, appendOnly: false });
    expect(await withClient(second.url, (client) => client.get('gone'))).toBeNull();
  });

  it('starts again, with its data, after its parent was killed with -9 and left it running', async () => {
    const dataDir = temporaryDirectory();
    const parent = runChildScript(`
      import { startRedis } from '#libs/embedded-servers';
      const server = await startRedis({ dataDir: ${JSON.stringify(dataDir)} });
      console.log(JSON.stringify({ url: server.url, pid: server.pid }));`);
    const orphan = JSON.parse(await parent.nextLine()) as { url: string; pid: number };
    await parent.killHard();
    await withClient(orphan.url, (client) => client.set('kept', '7'));
    const server = await start({ dataDir });
    expect(identifyProcess(orphan.pid)).toBeNull();
    expect(await withClient(server.url, (client) => client.get('kept'))).toBe('7');
  });

  it('does not touch a stranger that got the number in an old pid file', async () => {
    const dataDir = temporaryDirectory();
    const stranger = runChildScript('process.stdin.resume(); console.log("here")');
    await stranger.nextLine();
    writeFileSync(path.join(dataDir, 'redis.pid'), `${stranger.child.pid}\n`);
    await start({ dataDir });
    expect(stranger.child.signalCode).toBeNull();
    await stranger.killHard();
  });

  it('comes back on the port it had after being killed', async () => {
    const dataDir = temporaryDirectory();
    const first = await start({ dataDir });
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    expect((await start({ dataDir, port: first.port })).port).toBe(first.port);
  });

  it('takes the port that is preferred, and another one when somebody else has it', async () => {
    const other = await start({ dataDir: temporaryDirectory() });
    const dataDir = temporaryDirectory();
    const first = await start({ dataDir, preferredPort: other.port });
    expect(first.port).not.toBe(other.port);
    await first.stop();
    await other.stop();
    expect((await start({ dataDir, preferredPort: other.port })).port).toBe(other.port);
  });

  it('refuses a second start on the same directory', async () => {
    const dataDir = temporaryDirectory();
    await start({ dataDir });
    expect(await failureOf(startRedis({ dataDir }))).toMatchObject({ code: 'DIRECTORY_IN_USE', pid: process.pid });
  });

  it('never adopts a server that is on its port already', async () => {
    const stranger = await start({ dataDir: temporaryDirectory() });
    const failure = await failureOf(startRedis({ dataDir: temporaryDirectory(), port: stranger.port }));
    expect(failure.code).toBe('REDIS_START_FAILED');
    expect(failure.message).toContain(`port ${stranger.port}`);
    expect(failure.message).toContain('Address already in use');
  });

  it('shows the last lines of its log when it does not start', async () => {
    const extraArguments = ['--no-such-setting', 'yes'];
    const failure = await failureOf(startRedis({ dataDir: temporaryDirectory(), extraArguments }));
    expect(failure.code).toBe('REDIS_START_FAILED');
    expect(failure.message).toContain('no-such-setting');
  });
});
