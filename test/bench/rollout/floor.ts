import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import pg from 'pg';
import {
  type ChangeRecord,
  type ChannelKeys,
  type ConfigChannel,
  openArtifact,
  parseGatewayKey,
  RedisConfigChannel,
} from '#libs/config-distribution';
import { bareCommit, CREATE_BARE_TABLE } from '../event-store/bare-postgres.ts';

const DIST = path.resolve(import.meta.dirname, '../../../dist/apps/gateway/src/config-subscriber');
const WARM_UP_RUNS = 300;

/** What the cheapest way of one change would take, in milliseconds. */
export interface FloorTimes {
  readonly commitMs: number;
  /** From apiops to the queue, from there to the deployer, from it to the Redis of the environment, from there to a gateway. */
  readonly hopsMs: number;
  readonly linkMs: number;
  readonly totalMs: number;
}

type Link = (change: ChangeRecord, text: string, rules: object) => { readonly ok: boolean };

interface BuiltAdmission {
  ask(channel: ConfigChannel, known: undefined): Promise<{ readonly keys?: ChannelKeys }>;
}

async function builtGateway() {
  const link = (await import(path.join(DIST, 'link-artifact.js'))) as { readonly linkArtifact: Link };
  const admission = (await import(path.join(DIST, 'environment-admission.js'))) as {
    readonly EnvironmentAdmission: new (environment: string, key: unknown) => BuiltAdmission;
  };
  return { ...link, ...admission };
}

/** An artifact as a gateway of the environment receives it, opened. */
async function anArtifact(redis: Redis, environment: { readonly name: string; readonly gatewayKey: string }) {
  const { EnvironmentAdmission } = await builtGateway();
  const channel = new RedisConfigChannel(redis, environment.name);
  const admission = new EnvironmentAdmission(environment.name, parseGatewayKey(environment.gatewayKey));
  const { keys } = await admission.ask(channel, undefined);
  const [record] = (await channel.recordsAfter(0, 1_000)).slice(-1);
  if (keys === undefined || record === undefined) throw new Error(`nothing was deployed to ${environment.name}`);
  const { proxyId, deployment } = record;
  const stored = (await channel.artifacts([proxyId])).get(proxyId);
  const text = stored && openArtifact(keys, proxyId, stored);
  if (stored === undefined || text === undefined) throw new Error(`no artifact of ${proxyId}`);
  const names = { proxyId, project: environment.name, proxy: proxyId };
  return { change: { kind: 'artifact', ...names, deployment, revision: 1, hash: '' } as const, stored, text };
}

/**
 * One PostgreSQL commit, one Redis round trip for each hop and the link of one artifact, one after the other, on the servers
 * and with the artifact of the changes themselves.
 */
export class RolloutFloor {
  private constructor(
    private readonly pool: pg.Pool,
    private readonly redis: Redis,
    private readonly link: () => void,
    private readonly sealed: string,
  ) {}

  /** @param environment to which a policy was deployed just now */
  static async prepare(
    servers: { readonly databaseUrl: string; readonly redisUrl: string },
    environment: { readonly name: string; readonly gatewayKey: string },
  ): Promise<RolloutFloor> {
    const pool = new pg.Pool({ connectionString: servers.databaseUrl, max: 1 });
    await pool.query(CREATE_BARE_TABLE);
    const redis = new Redis(servers.redisUrl);
    const { linkArtifact } = await builtGateway();
    const { change, stored, text } = await anArtifact(redis, environment);
    const rules = { environment: environment.name, rootContext: '', options: { faultCodes: 'documented' } };
    const link = (): void => {
      if (!linkArtifact(change, text, rules).ok) throw new Error('the artifact does not link');
    };
    const floor = new RolloutFloor(pool, redis, link, stored.sealed);
    for (let run = 0; run < WARM_UP_RUNS; run += 1) await floor.measure();
    return floor;
  }

  async measure(): Promise<FloorTimes> {
    const startedMs = performance.now();
    await bareCommit(this.pool);
    const committedMs = performance.now();
    await this.redis.rpush('bench:queue', 'deploy-1');
    await this.redis.lpop('bench:queue');
    await this.redis.set('bench:artifact', this.sealed);
    await this.redis.get('bench:artifact');
    const arrivedMs = performance.now();
    this.link();
    const linkedMs = performance.now();
    return {
      ...{ commitMs: committedMs - startedMs, hopsMs: arrivedMs - committedMs },
      ...{ linkMs: linkedMs - arrivedMs, totalMs: linkedMs - startedMs },
    };
  }

  async stop(): Promise<void> {
    this.redis.disconnect();
    await this.pool.end();
  }
}
