import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { obtainRedis, startRedis, type RunningServer } from '#libs/embedded-servers';
import { freePortsInARow } from '#libs/program-shell/testing';
import { RedisCertificates } from './redis-certificates.ts';
import { RedisUsers } from './redis-users.ts';
import { replicated } from './replicated.ts';
import { until } from './until.ts';

const MASTER_NAME = 'main';
const SENTINELS = 3;
/** They agree that the master is gone when it was silent for so long. */
const DOWN_AFTER_MS = 2_000;
const FAILOVER_TIMEOUT_MS = 5_000;
/** A connection to what was killed is not waited for. */
const CLOSED_WITHIN_MS = 50;
/** May do what a client asks of Sentinels, and nothing else. */
const FINDER = 'finder';
const FINDER_MAY = '+@connection +sentinel|get-master-addr-by-name +sentinel|sentinels';

const NAMES_ANNOUNCED = ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes'];

interface DataServer {
  readonly server: RunningServer;
  /** Where it is spoken to; with TLS there is no other one. */
  readonly port: number;
  readonly redis: Redis;
}

export interface SentinelsWishes {
  /** What servers are called, each by all others and by Sentinels; 127.0.0.1 when left out. */
  readonly host?: 'localhost' | '127.0.0.1';
  /** Nobody is spoken to in clear, and whoever connects must show a certificate. */
  readonly isEncrypted?: boolean;
}

/**
 * A master with a replica, watched by three Sentinels. The data servers have the users of `deploy/redis` for `production`, the
 * Sentinels a password of their own and, for clients, a user.
 */
export class RedisSentinels {
  readonly users = new RedisUsers(['production']);
  readonly sentinelPassword = 'p@ss&of the sentinels';
  readonly finderPassword = 'p@ss&of who asks them';
  readonly #servers: DataServer[] = [];
  readonly #sentinels: ChildProcess[] = [];
  #ports: readonly number[] = [];
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-sentinels-'));
  readonly #host: string;
  readonly certificates: RedisCertificates | undefined;

  private constructor({ host = '127.0.0.1', isEncrypted = false }: SentinelsWishes) {
    this.#host = host;
    if (isEncrypted) this.certificates = new RedisCertificates(host, path.join(this.#directory, 'certificates'));
  }

  static async start(wishes: SentinelsWishes = {}): Promise<RedisSentinels> {
    const one = new RedisSentinels(wishes);
    try {
      for (const name of ['first', 'second']) one.#servers.push(await one.#startServer(name));
      const [master, replica] = one.#servers;
      await replica?.redis.replicaof(one.#host, master?.port ?? 0);
      await one.#follows();
      await one.#startSentinels(master?.port ?? 0);
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

  /** As settings hold it, with the Sentinels' password alone or, of encrypted ones, a user; the first of them is nobody. */
  urlOf(user: string): string {
    const hosts = [1, ...this.#ports].map((port) => `${this.#host}:${port}`).join(',');
    const [scheme, asked] = this.certificates
      ? ['rediss-sentinel', { sentinelUser: FINDER, sentinelPassword: this.finderPassword }]
      : ['redis-sentinel', { sentinelPassword: this.sentinelPassword }];
    const parameters = Object.entries(asked).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`);
    return `${scheme}://${this.users.signIn(user)}${hosts}/1?master=${MASTER_NAME}${parameters.join('')}`;
  }

  /** Lets Sentinels tell names, or the addresses behind them. */
  async announceNames(yesOrNo: 'yes' | 'no'): Promise<void> {
    for (const port of this.#ports) {
      const sentinel = this.#operatorOf(port, { password: this.sentinelPassword });
      await sentinel.call('SENTINEL', 'CONFIG', 'SET', 'announce-hostnames', yesOrNo);
      sentinel.disconnect();
    }
  }

  /** The master that the Sentinels name now, by its port. */
  async masterPort(): Promise<number> {
    const redis = this.#operatorOf(this.#ports[0] ?? 0, { password: this.sentinelPassword });
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

  /** Ends when the replica has all that the master was told up to now: a fail-over loses none of it. */
  async replicated(): Promise<void> {
    const { master, replica } = await this.#pair();
    await replicated(master.redis, replica.redis);
  }

  async killMaster(): Promise<void> {
    const { server } = (await this.#pair()).master;
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
  }

  /** Ends when the Sentinels have made the other one the master. */
  async failedOver(fromPort: number): Promise<void> {
    await until('the Sentinels name another master', async () => (await this.masterPort()) !== fromPort, 90_000);
    const heir = this.#servers.find(({ port }) => port !== fromPort);
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
    const [tlsPort = 0] = this.certificates ? await freePortsInARow(1) : [];
    const settings = this.certificates?.serverSettings('data', tlsPort) ?? new Map<string, string>();
    const extraArguments = ['--repl-diskless-sync-delay', '0', '--replica-announce-ip', this.#host];
    extraArguments.push(...[...settings].flatMap(([setting, value]) => [`--${setting}`, value]));
    const dataDir = path.join(this.#directory, name);
    const server = await startRedis({ dataDir, appendOnly: false, extraArguments });
    const port = this.certificates ? tlsPort : server.port;
    const open = new Redis(server.url);
    await this.users.giveTo(open);
    open.disconnect();
    const signedIn = { username: 'administrator', password: this.users.passwordOf('administrator') };
    const redis = this.#operatorOf(port, signedIn);
    if (this.certificates) await redis.config('SET', 'port', '0');
    return { server, port, redis };
  }

  #operatorOf(port: number, signedIn: { readonly username?: string; readonly password: string }): Redis {
    const tls = this.certificates ? { tls: this.certificates.operator } : {};
    const redis = new Redis({ host: this.#host, port, ...signedIn, ...tls, disconnectTimeout: CLOSED_WITHIN_MS });
    redis.on('error', () => undefined);
    return redis;
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
      const sentinel = this.#operatorOf(port, { password: this.sentinelPassword });
      await until('a Sentinel knows the replica and the others', async () => {
        const facts = (await sentinel.call('SENTINEL', 'MASTER', MASTER_NAME)) as string[];
        const fact = (name: string): string | undefined => facts[facts.indexOf(name) + 1];
        return fact('num-slaves') === '1' && fact('num-other-sentinels') === String(SENTINELS - 1);
      }).finally(() => sentinel.disconnect());
    }
  }

  #sentinelSettings(port: number, masterPort: number, directory: string): string {
    const tls = [...(this.certificates?.serverSettings('sentinels', port) ?? [])];
    const hash = createHash('sha256').update(this.finderPassword).digest('hex');
    return [
      ...(this.certificates ? ['port 0', ...tls.map(([name, value]) => `${name} ${value}`)] : [`port ${port}`]),
      'bind 127.0.0.1',
      `dir ${directory}`,
      `requirepass "${this.sentinelPassword}"`,
      `user ${FINDER} on #${hash} resetchannels -@all ${FINDER_MAY}`,
      ...(this.#host === 'localhost' ? NAMES_ANNOUNCED : []),
      `sentinel announce-ip ${this.#host}`,
      `sentinel monitor ${MASTER_NAME} ${this.#host} ${masterPort} ${Math.ceil(SENTINELS / 2)}`,
      `sentinel auth-user ${MASTER_NAME} sentinel`,
      `sentinel auth-pass ${MASTER_NAME} "${this.users.passwordOf('sentinel')}"`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_TIMEOUT_MS}`,
      '',
    ].join('\n');
  }

  async #follows(): Promise<void> {
    const replica = this.#servers[1]?.redis;
    await until('the replica follows', async () =>
      (await replica?.info('replication'))?.includes('master_link_status:up'),
    );
  }

  async #pair(): Promise<{ master: DataServer; replica: DataServer }> {
    const port = await this.masterPort();
    const master = this.#servers.find((server) => server.port === port);
    const replica = this.#servers.find((server) => server.port !== port);
    if (master === undefined || replica === undefined) throw new Error(`no server of ours on port ${port}`);
    return { master, replica };
  }
}
