import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { obtainRedis } from '#libs/embedded-servers';
import { freePortsInARow } from '#libs/program-shell/testing';
import { until } from './until.ts';

/** A Redis with an ACL file that lets nobody in without a password. It keeps its data over restarts. */
export class RedisWithUsers {
  private server: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly options: { readonly dataDir: string; readonly aclFile: string },
  ) {}

  static async start(options: { readonly dataDir: string; readonly aclFile: string }): Promise<RedisWithUsers> {
    const [port = 0] = await freePortsInARow(1);
    const redis = new RedisWithUsers(port, options);
    await redis.start();
    return redis;
  }

  urlOf(user: string, password: string): string {
    return `redis://${user}:${password}@127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.server?.pid ?? 0;
  }

  async start(): Promise<void> {
    const { dataDir, aclFile } = this.options;
    mkdirSync(dataDir, { recursive: true });
    const { command, env } = await obtainRedis(path.resolve('.data/tools'), () => undefined);
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', dataDir, '--aclfile', aclFile];
    args.push('--save', '', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction');
    const variables = Object.keys(env).length > 0 ? { env } : {};
    this.server = spawn(command, args, { stdio: 'ignore', ...variables });
    await until('Redis has loaded its data', () => this.answers());
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined || server.exitCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGTERM');
    await exited;
  }

  private async answers(): Promise<boolean> {
    const asking = new Redis(this.urlOf('health', 'health'), { enableReadyCheck: false, retryStrategy: () => null });
    asking.on('error', () => undefined);
    try {
      return (await asking.ping()) === 'PONG';
    } finally {
      asking.disconnect();
    }
  }
}
