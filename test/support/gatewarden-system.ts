import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { ChildProgram } from './child-program.ts';
import { EchoUpstream } from './echo-upstream.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { until } from './until.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

export interface RunningGateway {
  readonly id: string;
  readonly url: string;
  readonly adminUrl: string;
  readonly program: ChildProgram;
}

export interface SystemEnvironment {
  readonly name: string;
  readonly redis: RunningServer;
  readonly gatewayKey: string;
  readonly gateways: readonly RunningGateway[];
}

/** How many processes there are of what there may be several of. */
export interface SystemLayout {
  readonly gatewaysEach: number;
  /** Processes of their own. None: the control plane deploys itself. */
  readonly deployers: number;
  /** As with `npm run up`: the environments are in the Redis of the queue. */
  readonly hasOneRedis?: boolean;
  /** The same in this one, which the test starts and stops; its address is the control plane's. */
  readonly oneRedis?: RunningServer;
  /** Further settings of the control plane and the deployers. */
  readonly settings?: Readonly<Record<string, string>>;
  /** In place of a fresh one on the server of the test run; it stays the caller's to drop. */
  readonly database?: FreshDatabase;
  /** Further settings of the gateways, or those of each one by its number (from 1 on) and its environment. */
  readonly gatewaySettings?:
    Readonly<Record<string, string>> | ((number: number, environment: string) => Readonly<Record<string, string>>);
}

interface GatewayPlace {
  readonly number: number;
  readonly redis: RunningServer;
  readonly gatewayKey: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** Everything that `npm run up` starts and more: one control plane, two environments with a Redis and two gateways each. */
export class GatewardenSystem {
  readonly adminToken = `gwt_${randomBytes(32).toString('base64url')}`;
  readonly upstream = new EchoUpstream();
  upstreamUrl = '';
  controlPlaneUrl = '';
  controlPlane!: ChildProgram;
  readonly deployers: { readonly program: ChildProgram; readonly url: string }[] = [];
  private readonly masterKey = randomBytes(32);
  database!: FreshDatabase;
  queue!: RunningServer;
  readonly environments = new Map<string, SystemEnvironment>();
  private readonly directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-e2e-'));
  private readonly closing: (() => Promise<unknown>)[] = [];

  static async start(
    environmentNames: readonly string[] = ['staging', 'production'],
    layout: SystemLayout = { gatewaysEach: 2, deployers: 0 },
  ): Promise<GatewardenSystem> {
    const system = new GatewardenSystem();
    chmodSync(system.directory, 0o711);
    await system.startControlPlane(layout);
    for (const name of environmentNames) await system.startEnvironment(name, layout);
    return system;
  }

  /** As `MASTER_KEY` gives it. */
  get masterKeyText(): string {
    return this.masterKey.toString('base64');
  }

  environment(name: string): SystemEnvironment {
    const found = this.environments.get(name);
    if (found === undefined) throw new Error(`no environment ${name}`);
    return found;
  }

  gateway(environmentName: string, index = 0): RunningGateway {
    const found = this.environment(environmentName).gateways[index];
    if (found === undefined) throw new Error(`no gateway ${index} of ${environmentName}`);
    return found;
  }

  get allGateways(): RunningGateway[] {
    return [...this.environments.values()].flatMap((environment) => environment.gateways);
  }

  /** A call of apiops with the administrator's token; a string body goes out as it is. */
  async api(
    method: string,
    callPath: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${this.controlPlaneUrl}${callPath}`, {
      method,
      headers: {
        authorization: `Bearer ${this.adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: text }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** Where the Redis of an environment, or of the `queue`, keeps its data. */
  redisDirectory(name: string): string {
    return path.join(this.directory, `redis-${name}`);
  }

  async redis(name: string): Promise<RunningServer> {
    const redis = await startRedis({ dataDir: this.redisDirectory(name), appendOnly: true });
    this.closing.push(() => redis.stop());
    return redis;
  }

  /** One of the commands that run beside a control plane, with its settings. */
  command(name: string, args: readonly string[] = []): ChildProgram {
    const entry = `apps/control-plane/src/maintenance/${name}.main.js`;
    return new ChildProgram(entry, this.controlPlaneSettings('control-plane'), args);
  }

  async stopQueue(): Promise<void> {
    await this.queue.stop();
  }

  /** Starts the queue's Redis again on the port and the data it had. */
  async startQueue(): Promise<void> {
    const dataDir = this.redisDirectory('queue');
    this.queue = await startRedis({ dataDir, appendOnly: true, port: this.queue.port });
    this.closing.push(() => this.queue.stop());
  }

  /** Starts a Redis again on the port and the data it had. */
  async redisAgain(name: string): Promise<RunningServer> {
    const environment = this.environment(name);
    const dataDir = this.redisDirectory(name);
    const redis = await startRedis({ dataDir, appendOnly: true, port: environment.redis.port });
    this.closing.push(() => redis.stop());
    this.environments.set(name, { ...environment, redis });
    return redis;
  }

  async ready(url: string, withinMs = 120_000): Promise<void> {
    await until(`${url} is ready`, async () => (await fetch(`${url}/readyz`)).status === 200, withinMs);
  }

  async stop(): Promise<void> {
    await Promise.all(this.allGateways.map((gateway) => gateway.program.signal('SIGTERM')));
    const planes = [this.controlPlane, ...this.deployers.map(({ program }) => program)];
    await Promise.all(planes.map((program) => program.signal('SIGTERM')));
    for (const close of this.closing.reverse()) await close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async startControlPlane({ deployers, settings = {}, oneRedis, database }: SystemLayout): Promise<void> {
    this.database = database ?? (await freshDatabase());
    if (database === undefined) this.closing.push(() => this.database.drop());
    this.upstreamUrl = await this.upstream.listen();
    this.closing.push(() => this.upstream.close());
    this.queue = oneRedis ?? (await this.redis('queue'));
    const roles = deployers === 0 ? {} : { ROLES: 'api' };
    const { program, url } = await this.controlPlaneProgram('control-plane', { ...settings, ...roles });
    this.controlPlaneUrl = url;
    this.controlPlane = program;
    program.start();
    await this.ready(url);
    for (let number = 1; number <= deployers; number += 1) {
      const own = { ...settings, ROLES: 'deployer' };
      const deployer = await this.controlPlaneProgram(`deployer-${number}`, own);
      this.deployers.push(deployer);
      deployer.program.start();
      await this.ready(deployer.url);
    }
  }

  private async controlPlaneProgram(
    name: string,
    settings: Readonly<Record<string, string>>,
  ): Promise<{ program: ChildProgram; url: string }> {
    const [port = 0] = await freePortsInARow(1);
    const program = new ChildProgram('apps/control-plane/src/main.js', {
      ...this.controlPlaneSettings(name),
      HOST: '127.0.0.1',
      PORT: String(port),
      ...settings,
    });
    return { program, url: `http://127.0.0.1:${port}` };
  }

  private controlPlaneSettings(name: string): Record<string, string> {
    return {
      DATABASE_URL: this.database.url,
      MASTER_KEY: this.masterKey.toString('base64'),
      ADMIN_TOKEN: this.adminToken,
      // One token asks for everything here, and as often as it likes.
      API_REQUESTS_PER_MINUTE: '0',
      DATA_DIR: path.join(this.directory, name),
      REDIS_URL: this.queue.url,
      LOG_LEVEL: 'info',
    };
  }

  private async startEnvironment(name: string, layout: SystemLayout): Promise<void> {
    const { gatewaysEach, hasOneRedis, oneRedis, gatewaySettings = {} } = layout;
    const redis = hasOneRedis === true || oneRedis !== undefined ? this.queue : await this.redis(name);
    const created = await this.api('POST', '/apiops/environments/', { name, redisUrl: redis.url });
    const gatewayKey = String(created.body.resultList[0].gatewayKey);
    const gateways: RunningGateway[] = [];
    for (let number = 1; number <= gatewaysEach; number += 1) {
      const settings = typeof gatewaySettings === 'function' ? gatewaySettings(number, name) : gatewaySettings;
      gateways.push(await this.startGateway(name, { number, redis, gatewayKey, settings }));
    }
    this.environments.set(name, { name, redis, gatewayKey, gateways });
    for (const gateway of gateways) await this.ready(gateway.adminUrl);
  }

  private async startGateway(
    environmentName: string,
    { number, redis, gatewayKey, settings }: GatewayPlace,
  ): Promise<RunningGateway> {
    const [port = 0, adminPort = 0] = await freePortsInARow(2);
    const id = `${environmentName}-${number}`;
    const program = new ChildProgram('apps/gateway/src/main.js', {
      GATEWAY_ENVIRONMENT: environmentName,
      GATEWAY_KEY: gatewayKey,
      REDIS_URL: redis.url,
      HOST: '127.0.0.1',
      PORT: String(port),
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      GATEWAY_ID: id,
      SNAPSHOT_DIR: path.join(this.directory, 'snapshots', id),
      LOG_LEVEL: 'info',
      ...settings,
    });
    program.start();
    return { id, url: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${adminPort}`, program };
  }
}
