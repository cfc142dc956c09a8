import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { RedisUsers } from './redis-users.ts';
import { replicated } from './replicated.ts';
import { until } from './until.ts';

const MASTERS = 3;
const NODES = 2 * MASTERS;
const SLOTS = 16_384;
/** The bus between nodes listens so far above the port; both below the range that the system hands out by itself. */
const BUS_ABOVE = 10_000;
const FIRST_PORT = 11_000;
const LAST_PORT = 19_000;
/** Longer than any test takes: a busy machine must not make a node look dead. */
const NODE_TIMEOUT_MS = 120_000;
/** While one of them is dead. */
const SHORT_NODE_TIMEOUT_MS = 2_000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

async function freePorts(): Promise<number[]> {
  for (;;) {
    const first = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    const ports = Array.from({ length: NODES }, (_, index) => first + index);
    const free = await Promise.all(ports.flatMap((port) => [isFree(port), isFree(port + BUS_ABOVE)]));
    if (free.every((one) => one)) return ports;
  }
}

interface ClusterNode {
  readonly server: RunningServer;
  readonly redis: Redis;
  readonly id: string;
}

/** A connection to what was killed is not waited for. */
const CLOSED_WITHIN_MS = 50;

/** A cluster of three masters with a replica each, on loopback, with the users of `deploy/redis` for `production`. */
export class RedisCluster {
  readonly users = new RedisUsers(['production']);
  readonly #nodes: ClusterNode[] = [];
  readonly #dead = new Set<ClusterNode>();
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-cluster-'));

  static async start(): Promise<RedisCluster> {
    const cluster = new RedisCluster();
    try {
      const ports = await freePorts();
      cluster.#nodes.push(...(await Promise.all(ports.map((port) => cluster.#startNode(port)))));
      await cluster.#join();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Of the control plane. */
  get url(): string {
    return this.urlOf('control-plane');
  }

  /** As settings hold it, with two of the nodes. */
  urlOf(user: string): string {
    const [first, , last] = this.#nodes.map(({ server }) => `127.0.0.1:${server.port}`);
    return `redis-cluster://${this.users.signIn(user)}${first},${last}`;
  }

  /** Connections of the administrator to the nodes that hold data now. */
  async masters(): Promise<Redis[]> {
    const roles = await Promise.all(this.#living.map((node) => roleOf(node)));
    return this.#living.filter((_, index) => roles[index] === 'master').map(({ redis }) => redis);
  }

  /** Keys of a pattern, on all nodes. */
  async keys(pattern: string): Promise<string[]> {
    return (await Promise.all((await this.masters()).map((redis) => redis.keys(pattern)))).flat();
  }

  /** Kills the master that a key lies at, and ends when the others have elected its replica; nobody promotes it. */
  async failOver(key: string): Promise<void> {
    const { master, replica } = await this.#pairOf(key);
    await replicated(master.redis, replica.redis);
    process.kill(master.server.pid, 'SIGKILL');
    await master.server.exited;
    this.#dead.add(master);
    await this.#giveUpAfter(SHORT_NODE_TIMEOUT_MS);
    await until('its replica was elected', async () => (await roleOf(replica)) === 'master');
    await this.#isWholeAgain();
    await this.#giveUpAfter(NODE_TIMEOUT_MS);
  }

  /** Takes the slot of a key from the cluster: every node refuses every command then; gives what makes it whole again. */
  async takeDown(key: string): Promise<() => Promise<void>> {
    const { master } = await this.#pairOf(key);
    const slot = Number(await master.redis.call('CLUSTER', 'KEYSLOT', key));
    const inOrder = [master, ...this.#living.filter((node) => node !== master)];
    // A node may hear of the slot once more from one that still had it.
    await until('every node refuses commands', async () => {
      for (const { redis } of inOrder) await redis.call('CLUSTER', 'DELSLOTS', slot).catch(() => undefined);
      return !(await Promise.all(inOrder.map(isWhole))).includes(true);
    });
    return async () => {
      await master.redis.call('CLUSTER', 'ADDSLOTS', slot);
      await this.#isWholeAgain();
    };
  }

  /** How many listen to a channel at the master that a key lies at. */
  async subscribersAt(key: string, channel: string): Promise<number> {
    const { master } = await this.#pairOf(key);
    const [, count] = (await master.redis.pubsub('NUMSUB', channel)) as [string, number];
    return count;
  }

  /** How many commands its nodes have refused because it was down. */
  async refusedWhileDown(): Promise<number> {
    const errors = await Promise.all(this.#living.map(({ redis }) => redis.info('errorstats')));
    return errors.reduce((sum, text) => sum + Number(/errorstat_CLUSTERDOWN:count=(\d+)/.exec(text)?.[1] ?? 0), 0);
  }

  /** Lets the master of a key be silent, with its connections open; gives what lets it go on. */
  async freeze(key: string): Promise<() => void> {
    const { pid } = (await this.#pairOf(key)).master.server;
    process.kill(pid, 'SIGSTOP');
    return () => process.kill(pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    for (const { redis } of this.#nodes) redis.disconnect();
    await Promise.all(this.#nodes.map(({ server }) => server.stop()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #startNode(port: number): Promise<ClusterNode> {
    const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)];
    const extraArguments = [...cluster, '--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'];
    const dataDir = path.join(this.#directory, String(port));
    const server = await startRedis({ dataDir, port, appendOnly: false, extraArguments });
    const open = new Redis(server.url);
    await this.users.giveTo(open);
    open.disconnect();
    const [username, password] = ['administrator', this.users.passwordOf('administrator')];
    const redis = new Redis(server.url, { username, password, disconnectTimeout: CLOSED_WITHIN_MS });
    redis.on('error', () => undefined);
    return { server, redis, id: String(await redis.call('CLUSTER', 'MYID')) };
  }

  async #join(): Promise<void> {
    const [first] = this.#nodes;
    for (const [index, { redis }] of this.#nodes.entries()) {
      await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      if (index < MASTERS) await redis.call('CLUSTER', 'ADDSLOTSRANGE', ...rangeOf(index));
      if (index > 0) await redis.call('CLUSTER', 'MEET', '127.0.0.1', first?.server.port ?? 0);
    }
    await this.#all('every node knows the others', async ({ redis }) =>
      (await infoOf(redis)).includes(`cluster_known_nodes:${NODES}\r`),
    );
    for (const [index, { redis }] of this.#nodes.entries()) {
      const master = this.#nodes[index - MASTERS];
      if (master === undefined) continue;
      await until('the replica knows its master', async () => redis.call('CLUSTER', 'REPLICATE', master.id));
    }
    await this.#all('the cluster is whole', async (node) => {
      const isSynchronised = (await roleOf(node)) === 'master' || (await node.redis.info()).includes('link_status:up');
      const slots = String(await node.redis.call('CLUSTER', 'NODES')).match(/ (?:myself,)?slave /g) ?? [];
      return isSynchronised && slots.length === MASTERS && (await isWhole(node));
    });
  }

  #isWholeAgain(): Promise<void> {
    return this.#all('the cluster is whole', isWhole);
  }

  async #all(what: string, isSo: (node: ClusterNode) => Promise<boolean>): Promise<void> {
    await until(what, async () => (await Promise.all(this.#living.map(isSo))).every((one) => one), 60_000);
  }

  get #living(): readonly ClusterNode[] {
    return this.#nodes.filter((node) => !this.#dead.has(node));
  }

  /** How long a node is silent until the others take it for dead. */
  async #giveUpAfter(ms: number): Promise<void> {
    await Promise.all(this.#living.map(({ redis }) => redis.config('SET', 'cluster-node-timeout', String(ms))));
  }

  /** The master that a key lies at now, and its replica. */
  async #pairOf(key: string): Promise<{ master: ClusterNode; replica: ClusterNode }> {
    const living = this.#living;
    // Whoever does not have the key's slot tells who has.
    const asked = await Promise.allSettled(living.map(({ redis }) => redis.exists(key)));
    const master = living.find((_, index) => asked[index]?.status === 'fulfilled');
    const places = await Promise.all(living.map(({ redis }): Promise<unknown[]> => redis.role()));
    const replica = living.find((_, index) => {
      const [role, , masterPort] = places[index] ?? [];
      return role === 'slave' && masterPort === master?.server.port;
    });
    if (master === undefined || replica === undefined) throw new RangeError(`no master with a replica for ${key}`);
    return { master, replica };
  }
}

const rangeOf = (index: number): readonly [number, number] => [
  Math.ceil((index * SLOTS) / MASTERS),
  Math.ceil(((index + 1) * SLOTS) / MASTERS) - 1,
];

const infoOf = async (redis: Redis): Promise<string> => String(await redis.call('CLUSTER', 'INFO'));

const isWhole = async ({ redis }: ClusterNode): Promise<boolean> => (await infoOf(redis)).includes('cluster_state:ok');

async function roleOf({ redis }: ClusterNode): Promise<string> {
  const [role] = (await redis.role()) as unknown as [string];
  return role;
}
