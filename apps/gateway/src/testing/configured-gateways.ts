import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { RedisConfigChannel, type LeaseState } from '#libs/config-distribution';
import { prepareEnvironment, type PreparedEnvironment } from '#libs/config-distribution/testing';
import { CapturedLog } from '#libs/program-shell/testing';
import type { FaultCodes, GatewayConfig } from '../config/gateway.config.ts';
import { changeFor, temporaryDirectory } from '../config-subscriber/testing/subscriber-rig.ts';
import { artifactOf, type ArtifactWishes } from '../http-server/testing/rig.ts';
import { startGateway, type RunningGateway } from '../start-gateway.ts';
import { foundInLeases } from './watched-leases.ts';

export const FAULT_CODES: readonly FaultCodes[] = ['documented', 'observed'];

/** What one proxy of the environment is made of; its name is its path. */
export interface PublishedProxy extends ArtifactWishes {
  readonly proxy: string;
  /** Environment variables. Those named `private.…` are secrets. */
  readonly variables?: Readonly<Record<string, string>>;
}

/**
 * One environment in a real Redis with a gateway for each way of naming faults, all by one clock. Artifacts reach them
 * sealed, as from a control plane.
 */
export class ConfiguredGateways {
  /** What requests are judged by, in milliseconds since the epoch. Moved by the test, forward only. */
  nowMs: number;
  readonly log = new CapturedLog();
  readonly #environment = `test-${randomBytes(6).toString('hex')}`;
  readonly #redis: Redis;
  readonly #channel: RedisConfigChannel;
  readonly #gateways = new Map<FaultCodes, RunningGateway>();
  readonly #directories: ReturnType<typeof temporaryDirectory>[] = [];
  #prepared!: PreparedEnvironment;
  #deployment = 0;

  private constructor(
    private readonly redisUrl: string,
    startsAtMs: number,
  ) {
    this.nowMs = startsAtMs;
    this.#redis = new Redis(redisUrl);
    this.#channel = new RedisConfigChannel(this.#redis, this.#environment);
  }

  static async start(redisUrl: string, startsAtMs: number): Promise<ConfiguredGateways> {
    const gateways = new ConfiguredGateways(redisUrl, startsAtMs);
    gateways.#prepared = await prepareEnvironment(gateways.#channel, gateways.#environment);
    await gateways.#prepared.publisher.publishEmpty();
    for (const faultCodes of FAULT_CODES) await gateways.#startOne(faultCodes);
    return gateways;
  }

  /** Traffic port of a gateway. */
  port(faultCodes: FaultCodes): number {
    return this.#running(faultCodes).trafficPort;
  }

  adminPort(faultCodes: FaultCodes): number {
    return this.#running(faultCodes).adminPort;
  }

  /** Publishes proxies and ends when every gateway serves them. Throws when one refuses. */
  async publish(proxies: readonly PublishedProxy[]): Promise<void> {
    for (const wishes of proxies) {
      this.#deployment += 1;
      const change = changeFor(wishes.proxy, this.#deployment);
      await this.#prepared.publisher.publish(change, this.#artifactText(wishes));
    }
    await foundInLeases(this.#channel, this.#prepared, (leases) => this.#allServe(leases) || undefined);
  }

  async stop(): Promise<void> {
    for (const gateway of this.#gateways.values()) await gateway.stop();
    const keys = await this.#redis.keys(`*${this.#environment}*`);
    if (keys.length > 0) await this.#redis.del(...keys);
    this.#redis.disconnect();
    for (const directory of this.#directories) directory.remove();
  }

  #running(faultCodes: FaultCodes): RunningGateway {
    const gateway = this.#gateways.get(faultCodes);
    if (gateway === undefined) throw new RangeError(faultCodes);
    return gateway;
  }

  async #startOne(faultCodes: FaultCodes): Promise<void> {
    const directory = temporaryDirectory();
    this.#directories.push(directory);
    const config: GatewayConfig = {
      ...{ environment: this.#environment, gatewayKey: this.#prepared.gatewayKey, redisUrl: this.redisUrl },
      ...{ host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0, rootContext: '', trustedProxies: [] },
      ...{ gatewayId: faultCodes, snapshotDir: directory.path, drainTimeoutMs: 5_000 },
      ...{ faultCodes, logLevel: 'debug', jwksAllowPrivateHosts: true, jwksStaleLimitSeconds: 86_400 },
    };
    this.#gateways.set(faultCodes, await startGateway(config, this.log.logger, () => this.nowMs));
  }

  #artifactText({ variables = {}, ...wishes }: PublishedProxy): string {
    const artifact = artifactOf({ paths: [`/${wishes.proxy}`], ...wishes });
    const stored = Object.entries(variables).map(([name, value]) => [
      name,
      { value, secret: name.startsWith('private.') },
    ]);
    return JSON.stringify({
      ...artifact,
      environment: { ...artifact.environment, name: this.#environment },
      variables: Object.fromEntries(stored) as typeof artifact.variables,
    });
  }

  #allServe(leases: readonly LeaseState[]): boolean {
    const [refused] = leases.flatMap(({ rejected }) => rejected);
    if (refused !== undefined) throw new Error(`a gateway refused ${refused.proxyId}: ${refused.reason}`);
    return leases.length === FAULT_CODES.length && leases.every(({ handled }) => handled.includes(this.#deployment));
  }
}
