import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { putIdentity, RedisConfigChannel, type IdentityKind, type LeaseState } from '#libs/config-distribution';
import { prepareEnvironment, type PreparedEnvironment } from '#libs/config-distribution/testing';
import { CapturedLog } from '#libs/program-shell/testing';
import { RedisRevocationLedger, type TokenRevocation } from '#libs/token-revocations';
import { TOKEN_CACHE_DEFAULTS } from '../config/token-cache-settings.ts';
import type { FaultCodes, GatewayConfig } from '../config/gateway.config.ts';
import { changeFor, temporaryDirectory } from '../config-subscriber/testing/subscriber-rig.ts';
import { artifactOf, type ArtifactWishes } from '../http-server/testing/rig.ts';
import { LISTENER_DEFAULTS } from '../http-server/listener/listener-settings.ts';
import { DEFAULT_LIMITS } from '../http-server/request-limits.ts';
import { UPSTREAM_POOL_LIMITS } from '../upstream/upstream-pool.ts';
import { startGateway, type RunningGateway } from '../start-gateway.ts';
import { foundInLeases } from './watched-leases.ts';

export const FAULT_CODES: readonly FaultCodes[] = ['documented', 'observed'];

/** What one proxy of the environment is made of; its name is its path. */
export interface PublishedProxy extends ArtifactWishes {
  readonly proxy: string;
  /** Environment variables. Those named `private.…` are secrets. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The environment's `iss`; https://gatewarden/test when left out. */
  readonly tokenIssuer?: string;
}

/** One gateway of the environment; `settings` are those in which it differs. */
export interface MemberWishes {
  readonly id: string;
  readonly settings?: Partial<GatewayConfig>;
}

/** One for each way of naming faults; each is called as its codes are. */
export const ONE_FOR_EACH_FAULT_CODES: readonly MemberWishes[] = FAULT_CODES.map((faultCodes) => ({
  id: faultCodes,
  settings: { faultCodes },
}));

/** So many with equal settings, called `edge-1`, `edge-2`… */
export const equalMembers = (count: number, settings: Partial<GatewayConfig> = {}): readonly MemberWishes[] =>
  Array.from({ length: count }, (_, index) => ({ id: `edge-${index + 1}`, settings }));

/**
 * One environment in a real Redis with several gateways, all by one clock. Artifacts reach them sealed, as from a control
 * plane.
 */
export class ConfiguredGateways {
  /** What requests are judged by, in milliseconds since the epoch. Moved by the test, forward only. */
  nowMs: number;
  readonly log = new CapturedLog();
  readonly #environment = `test-${randomBytes(6).toString('hex')}`;
  readonly #redis: Redis;
  readonly #channel: RedisConfigChannel;
  readonly #gateways = new Map<string, RunningGateway>();
  readonly #directories: ReturnType<typeof temporaryDirectory>[] = [];
  #prepared!: PreparedEnvironment;
  #deployment = 0;
  #identityVersion = 0;

  private constructor(
    private readonly redisUrl: string,
    startsAtMs: number,
  ) {
    this.nowMs = startsAtMs;
    this.#redis = new Redis(redisUrl);
    this.#channel = new RedisConfigChannel(this.#redis, this.#environment);
  }

  static async start(
    redisUrl: string,
    startsAtMs: number,
    members: readonly MemberWishes[] = ONE_FOR_EACH_FAULT_CODES,
  ): Promise<ConfiguredGateways> {
    const gateways = new ConfiguredGateways(redisUrl, startsAtMs);
    gateways.#prepared = await prepareEnvironment(gateways.#channel, gateways.#environment);
    await gateways.#prepared.tellOfAll();
    for (const member of members) await gateways.#startOne(member);
    return gateways;
  }

  /** Traffic port of a gateway. */
  port(id: string): number {
    return this.#running(id).trafficPort;
  }

  adminPort(id: string): number {
    return this.#running(id).adminPort;
  }

  get ids(): readonly string[] {
    return [...this.#gateways.keys()];
  }

  /** Name of the environment; every key in its Redis holds it. */
  get environment(): string {
    return this.#environment;
  }

  /** One more, which ends when it serves what was published last. */
  async add(member: MemberWishes): Promise<void> {
    await this.#startOne(member);
    await this.#served();
  }

  /** Another process in the place of one, on the same disk if the settings name it; its Redis may be away. */
  async restart(member: MemberWishes): Promise<void> {
    await this.#running(member.id).stop();
    await this.#startOne(member);
  }

  /** Lines of a gateway's `/metrics` that begin so. */
  async metric(id: string, name: string): Promise<readonly string[]> {
    const response = await fetch(`http://127.0.0.1:${this.adminPort(id)}/metrics`);
    return (await response.text()).split('\n').filter((line) => line.startsWith(name));
  }

  /** Publishes proxies and ends when every gateway serves them. Throws when one refuses. */
  async publish(proxies: readonly PublishedProxy[]): Promise<void> {
    for (const wishes of proxies) {
      this.#deployment += 1;
      const change = changeFor(wishes.proxy, this.#deployment);
      await this.#prepared.publisher.publish(change, this.#artifactText(wishes));
    }
    await this.#served();
  }

  /** Makes a client or a credential known, or known otherwise, as a control plane does; null: it is removed. */
  async tell(kind: IdentityKind, subject: string, content: object | null): Promise<void> {
    this.#identityVersion += 1;
    const version = this.#identityVersion;
    await putIdentity(this.#channel, this.#prepared.keys, { kind, subject, version, content });
  }

  /** Revokes access tokens, as a control plane does, and ends when every gateway obeys. */
  async revoke(revocations: readonly TokenRevocation[]): Promise<void> {
    await this.#ledger().record(revocations, this.nowMs);
    await this.#channel.nudge();
    await this.obeyRevocations();
  }

  /** Ends when every gateway obeys what is in the ledger now, whoever recorded it. */
  async obeyRevocations(): Promise<void> {
    const { sequence } = (await this.#ledger().since(undefined)).position;
    const obeys = ({ obeys: versions }: LeaseState): boolean => (versions?.['revocations'] ?? 0) >= sequence;
    await foundInLeases(this.#channel, this.#prepared, (leases) => leases.every(obeys) || undefined);
  }

  async stop(): Promise<void> {
    for (const gateway of this.#gateways.values()) await gateway.stop();
    const keys = await this.#redis.keys(`*${this.#environment}*`);
    if (keys.length > 0) await this.#redis.del(...keys);
    this.#redis.disconnect();
    for (const directory of this.#directories) directory.remove();
  }

  #ledger(): RedisRevocationLedger {
    const key = this.#prepared.keys.keyFor('token-revocations');
    return new RedisRevocationLedger(this.#redis, this.#environment, key);
  }

  #running(id: string): RunningGateway {
    const gateway = this.#gateways.get(id);
    if (gateway === undefined) throw new RangeError(id);
    return gateway;
  }

  async #served(): Promise<void> {
    await foundInLeases(this.#channel, this.#prepared, (leases) => this.#allServe(leases) || undefined);
  }

  async #startOne({ id, settings = {} }: MemberWishes): Promise<void> {
    const directory = temporaryDirectory();
    this.#directories.push(directory);
    const config: GatewayConfig = {
      ...{ environment: this.#environment, gatewayKey: this.#prepared.gatewayKey, redisUrl: this.redisUrl },
      ...{ host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0, rootContext: '', trustedProxies: [] },
      ...{ gatewayId: id, snapshotDir: directory.path, drainTimeoutMs: 5_000, faultCodes: 'documented' },
      ...{ logLevel: 'debug', jwksAllowPrivateHosts: true, jwksStaleLimitSeconds: 86_400 },
      tokenCache: TOKEN_CACHE_DEFAULTS,
      upstreamLimits: UPSTREAM_POOL_LIMITS,
      upstreamFiles: {},
      listener: LISTENER_DEFAULTS,
      ...{ limits: DEFAULT_LIMITS, addsForwarded: false },
      ...{ loginFailuresPerUser: 10, loginFailuresPerAddress: 100, loginBlockSeconds: 300, passwordChecksWaiting: 64 },
      ...settings,
    };
    this.#gateways.set(id, await startGateway(config, this.log.logger, () => this.nowMs));
  }

  #artifactText({ variables = {}, tokenIssuer, ...wishes }: PublishedProxy): string {
    const artifact = artifactOf({ paths: [`/${wishes.proxy}`], ...wishes });
    const stored = Object.entries(variables).map(([name, value]) => [
      name,
      { value, secret: name.startsWith('private.') },
    ]);
    const { environment } = artifact;
    return JSON.stringify({
      ...artifact,
      environment: { ...environment, name: this.#environment, tokenIssuer: tokenIssuer ?? environment.tokenIssuer },
      variables: Object.fromEntries(stored) as typeof artifact.variables,
    });
  }

  #allServe(leases: readonly LeaseState[]): boolean {
    const [refused] = leases.flatMap(({ rejected }) => rejected);
    if (refused !== undefined) throw new Error(`a gateway refused ${refused.proxyId}: ${refused.reason}`);
    return leases.length === this.#gateways.size && leases.every(({ handled }) => handled.includes(this.#deployment));
  }
}
