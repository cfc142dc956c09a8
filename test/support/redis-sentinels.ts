import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { obtainRedis, startRedis, type RunningServer } from '#libs/embedded-servers';
import { freePortsInARow } from '#libs/program-shell/testing';
import { RedisUsers } from './redis-users.ts';
import { until } from './until.ts';

const MASTER_NAME = 'main';
const SENTINELS = 3;
/** They agree that the master is gone when it was silent for so long. */
const DOWN_AFTER_MS = 2_000;
const FAILOVER_TIMEOUT_MS = 5_000;
/** A connection to what was killed is not waited for. */
const CLOSED_WITHIN_MS = 50;

interface DataServer {
  readonly server: RunningServer;
  readonly redis: Redis;
}

/**
 * A master with a replica, watched by three Sentinels. The data servers have the users of `deploy/redis` for `production`, the
 * Sentinels a password of their own.
 */
export class RedisSentinels {
  readonly users = new RedisUsers(['production']);
  readonly sentinelPassword = 'p@ss&of the sentinels';
  readonly #servers: DataServer[] = [];
  readonly #sentinels: ChildProcess[] = [];
  #ports: readonly number[] = [];
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-sentinels-'));

  static async start(): Promise<RedisSentinels> {
    const one = new RedisSentinels();
    try {
      one.#servers.push(await one.#startServer('first'), await one.#startServer('second'));
      const [master, replica] = one.#servers;
      await replica?.redis.replicaof('127.0.0.1', master?.server.port ?? 0);
      await one.#replicated();
      await one.#startSentinels(master?.server.port ?? 0);
      return one;
    } catch (error) {
      await one.stop();
      throw error;
    }
  }

  /** Of the control plane. */
  get url(): string {
    return this.urlOf('control-plane');
  }

  /** As settings hold it; the first of the Sentinels is nobody. */
  urlOf(user: string): string {
    const hosts = ['127.0.0.1:1', ...this.#ports.map((port) => `127.0.0.1:${port}`)];
    const parameters = `master=${MASTER_NAME}&sentinelPassword=${encodeURIComponent(this.sentinelPassword)}`;
    return `redis-sentinel://${this.users.signIn(user)}${hosts.join(',')}/1?${parameters}`;
  }

  /** The master that the Sentinels name now, by its port. */
  async masterPort(): Promise<number> {
    const redis = new Redis({ port: this.#ports[0] ?? 0, password: this.sentinelPassword });
    try {
      const [, port] = (await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME)) as [string, string];
      return Number(port);
    } finally {
      redis.disconnect();
    }
  }

  /** From now on the replica misses what the master is told: a fail-over loses it. */
  async cutReplicaOff(): Promise<void> {
    const { master, replica } = await this.#pair();
    await replica.redis.config('SET', 'masterauth', 'not the password');
    await master.redis.call('CLIENT', 'KILL', 'TYPE', 'REPLICA');
    await until('the replica has lost its master', async () =>
      (await replica.redis.info('replication')).includes('master_link_status:down'),
    );
  }

  async killMaster(): Promise<void> {
    const { server } = (await this.#pair()).master;
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
  }

  /** Ends when the Sentinels have made the other one the master. */
  async failedOver(fromPort: number): Promise<void> {
    await until('the Sentinels name another master', async () => (await this.masterPort()) !== fromPort, 90_000);
    const heir = this.#servers.find(({ server }) => server.port !== fromPort);
    await until('it is one', async () => (await heir?.redis.info('replication'))?.includes('role:master'), 60_000);
  }

  async stop(): Promise<void> {
    for (const sentinel of this.#sentinels) {
      const exited = sentinel.exitCode === null && sentinel.signalCode === null ? once(sentinel, 'exit') : undefined;
      sentinel.kill('SIGKILL');
      await exited;
    }
    for (const { redis, server } of this.#servers) {
      redis.disconnect();
      await server.stop();
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #startServer(name: string): Promise<DataServer> {
    const extraArguments = ['--repl-diskless-sync-delay', '0'];
    const dataDir = path.join(this.#directory, name);
    const server = await startRedis({ dataDir, appendOnly: false, extraArguments });
    const open = new Redis(server.url);
    await this.users.giveTo(open);
    open.disconnect();
    const [username, password] = ['administrator', this.users.passwordOf('administrator')];
    const redis = new Redis(server.url, { username, password, disconnectTimeout: CLOSED_WITHIN_MS });
    redis.on('error', () => undefined);
    return { server, redis };
  }

  async #startSentinels(masterPort: number): Promise<void> {
    const { command, env } = await obtainRedis('.data/tools', () => undefined);
    this.#ports = await freePortsInARow(SENTINELS);
    for (const port of this.#ports) {
      const directory = path.join(this.#directory, `sentinel-${port}`);
      mkdirSync(directory);
      const file = path.join(directory, 'sentinel.conf');
      writeFileSync(file, this.#sentinelSettings(port, masterPort, directory));
      const child = spawn(command, [file, '--sentinel'], { env: { ...process.env, ...env }, stdio: 'ignore' });
      this.#sentinels.push(child);
    }
    for (const port of this.#ports) {
      const sentinel = new Redis({ port, password: this.sentinelPassword });
      sentinel.on('error', () => undefined);
      await until('a Sentinel knows the replica and the others', async () => {
        const facts = (await sentinel.call('SENTINEL', 'MASTER', MASTER_NAME)) as string[];
        const fact = (name: string): string | undefined => facts[facts.indexOf(name) + 1];
        return fact('num-slaves') === '1' && fact('num-other-sentinels') === String(SENTINELS - 1);
      }).finally(() => sentinel.disconnect());
    }
  }

  #sentinelSettings(port: number, masterPort: number, directory: string): string {
    return [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${directory}`,
      `requirepass "${this.sentinelPassword}"`,
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} ${Math.ceil(SENTINELS / 2)}`,
      `sentinel auth-user ${MASTER_NAME} sentinel`,
      `sentinel auth-pass ${MASTER_NAME} "${this.users.passwordOf('sentinel')}"`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_TIMEOUT_MS}`,
      '',
    ].join('\n');
  }

  async #replicated(): Promise<void> {
    const replica = this.#servers[1]?.redis;
    await until('the replica follows', async () =>
      (await replica?.info('replication'))?.includes('master_link_status:up'),
    );
  }

  async #pair(): Promise<{ master: DataServer; replica: DataServer }> {
    const port = await this.masterPort();
    const master = this.#servers.find(({ server }) => server.port === port);
    const replica = this.#servers.find(({ server }) => server.port !== port);
    if (master === undefined || replica === undefined) throw new Error(`no server of ours on port ${port}`);
    return { master, replica };
  }
}
