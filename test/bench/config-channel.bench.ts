/**
 * What one change costs on its way through an environment's Redis, with few proxies in the environment and with many:
 * seal, publish, follow. And what a gateway that joins costs. Read the ratios.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { ChannelKeys, ConfigFollower, ConfigPublisher, RedisConfigChannel } from '#libs/config-distribution';
import { startRedis } from '#libs/embedded-servers';

const FEW = 10;
const MANY = 10_000;
const CHANGES = 600;
/** About the size of a proxy with two policies and a key. */
const ARTIFACT = JSON.stringify({ text: randomBytes(1_200).toString('hex') });

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

/** One environment with a gateway that follows it. */
class BenchEnvironment {
  private deployment = 0;
  private readonly channel: RedisConfigChannel;
  private readonly keys: ChannelKeys;
  private readonly publisher: ConfigPublisher;
  private readonly follower: ConfigFollower;

  constructor(
    redis: Redis,
    name: string,
    private readonly proxies: number,
  ) {
    this.channel = new RedisConfigChannel(redis, name);
    this.keys = new ChannelKeys(name, randomBytes(32));
    this.publisher = new ConfigPublisher(this.channel, this.keys);
    this.follower = this.newFollower();
  }

  newFollower(): ConfigFollower {
    return new ConfigFollower(this.channel, this.keys, {
      apply: async (changes) => new Map(changes.map(({ change }) => [change.proxyId, { applied: true }])),
      report: (report) => {
        throw new Error(`unexpected: ${report.problem}`);
      },
    });
  }

  async fill(): Promise<void> {
    await this.publisher.publishEmpty();
    for (let at = 0; at < this.proxies; at += 100) {
      const batch = Array.from({ length: Math.min(100, this.proxies - at) }, (_, index) => this.publish(at + index));
      await Promise.all(batch);
    }
    await this.follower.refresh();
  }

  /** Milliseconds from the change to its being applied. */
  async change(number: number): Promise<number> {
    const startedMs = performance.now();
    await this.publish(number % this.proxies);
    await this.follower.refresh();
    return performance.now() - startedMs;
  }

  async join(): Promise<number> {
    const startedMs = performance.now();
    await this.newFollower().refresh();
    return performance.now() - startedMs;
  }

  private async publish(proxy: number): Promise<void> {
    this.deployment += 1;
    const names = { proxyId: `proxy-${proxy}`, project: 'bench', proxy: `proxy-${proxy}` };
    const record = { kind: 'artifact', ...names, deployment: this.deployment, revision: 1, hash: 'bench' } as const;
    await this.publisher.publish(record, ARTIFACT);
  }
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-bench-'));
const server = await startRedis({ dataDir: directory, appendOnly: false });
const redis = new Redis(server.url);
const few = new BenchEnvironment(redis, 'few', FEW);
const many = new BenchEnvironment(redis, 'many', MANY);
await few.fill();
await many.fill();
const fewMs: number[] = [];
const manyMs: number[] = [];
for (let number = 0; number < CHANGES; number += 1) {
  fewMs.push(await few.change(number));
  manyMs.push(await many.change(number));
}
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
console.log(`one change            ${FEW} proxies   ${MANY} proxies   ratio`);
console.log(
  `  median, ms          ${median(fewMs).toFixed(2)}         ${median(manyMs).toFixed(2)}            ${(median(manyMs) / median(fewMs)).toFixed(2)}`,
);
console.log(
  `  mean, ms            ${(sum(fewMs) / CHANGES).toFixed(2)}         ${(sum(manyMs) / CHANGES).toFixed(2)}            ${(sum(manyMs) / sum(fewMs)).toFixed(2)}   (checkpoints included)`,
);
console.log(`a gateway joins, ms   ${(await few.join()).toFixed(0)}            ${(await many.join()).toFixed(0)}`);
redis.disconnect();
await server.stop();
rmSync(directory, { recursive: true, force: true });
