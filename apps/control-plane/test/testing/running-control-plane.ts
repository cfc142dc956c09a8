import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';
import type pg from 'pg';
import { pino } from 'pino';
import { EVENT_STORE_MIGRATIONS, type ProjectionRunner } from '#libs/event-store';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { CONTROL_PLANE_DEFAULTS, type ControlPlaneConfig } from '../../src/config/control-plane.config.ts';
import { createControlPlaneApp } from '../../src/control-plane-app.ts';
import { CONTROL_PLANE_MIGRATIONS } from '../../src/persistence/control-plane-migrations.ts';
import type { DataKeys } from '../../src/persistence/data-keys/data-keys.ts';
import { openDataKeys } from '../../src/persistence/data-keys/open-data-keys.ts';
import { PROJECTION_RUNNER } from '../../src/persistence/read-models.ts';
import { PROJECTIONS } from '../../src/slices.ts';
import type { FakeGateway } from './fake-gateway.ts';
import { removeKeys, testRedisUrl, until } from './test-servers.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // The shape is what the tests are about.
  readonly body: {
    readonly success: boolean;
    readonly error?: string;
    readonly error_description?: string;
    readonly resultList: readonly Record<string, unknown>[];
    readonly validation_errors?: readonly { field: string; code: string; message: string }[];
    readonly warnings?: readonly { field: string }[];
    readonly deploymentResult: {
      readonly success: boolean;
      readonly deploymentResults: readonly DeploymentAnswer[];
    };
  };
}

export interface DeploymentAnswer {
  readonly environmentName: string;
  readonly success: boolean;
  readonly message: string;
  readonly deployment: number;
  readonly revision: number;
  readonly gateways: { live: number; applied: number; rejected: number; pending: number };
  readonly detailList: readonly { gatewayId: string; success: boolean; detail: string; responseTime: number | null }[];
  readonly warnings: readonly { gatewayId: string; address: string; state: string; reason: string | null }[];
}

export interface StoredEvent {
  readonly stream_id: string;
  readonly version: number;
  readonly type: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Settings = Partial<
  Pick<
    ControlPlaneConfig,
    | 'redisUrl'
    | 'deployTimeoutMs'
    | 'deployHistoryLimit'
    | 'roles'
    | 'auditCheckpointSeconds'
    | 'auditCheckpointFile'
    | 'apiRequestsPerMinute'
    | 'maxConnections'
    | 'trustedProxies'
    | 'maxArtifactBytes'
    | 'projectLimits'
    | 'projectMaxRevocations'
  >
>;

const adminToken = `gwt_${randomBytes(32).toString('base64url')}`;

/** A control plane on a database of its own; its Redis keys carry names that nobody else uses. */
export class RunningControlPlane {
  /** Every line that was logged, at every level. */
  readonly logLines: string[] = [];
  readonly adminToken = adminToken;
  readonly redis = new Redis(testRedisUrl());
  readonly answers: string[] = [];
  /** What they leave in Redis is removed in the end: the next one of that name would begin with it. */
  private readonly environmentNames = new Set<string>();
  private readonly servedRoutes = new Set<string>();
  private readonly others: NestFastifyApplication[] = [];

  private constructor(
    readonly database: FreshDatabase,
    readonly masterKey: Buffer,
    private readonly settings: Settings,
  ) {}

  private running: NestFastifyApplication | undefined;

  /** @param found a database that is there already, and the key that its secrets are sealed under */
  static async start(
    settings: Settings = {},
    found?: { readonly database: FreshDatabase; readonly masterKey: Buffer },
  ): Promise<RunningControlPlane> {
    const database = found?.database ?? (await freshDatabase(EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS));
    const one = new RunningControlPlane(database, found?.masterKey ?? randomBytes(32), settings);
    one.running = await one.process();
    return one;
  }

  get app(): NestFastifyApplication {
    if (this.running === undefined) throw new Error('the control plane is not running');
    return this.running;
  }

  get pool(): pg.Pool {
    return this.database.pool;
  }

  /** One more process of the same control plane. */
  async process(
    settings: Settings = {},
    database: pg.Pool = this.pool,
    token: string = adminToken,
  ): Promise<NestFastifyApplication> {
    const config: ControlPlaneConfig = {
      ...CONTROL_PLANE_DEFAULTS,
      ...{ databaseUrl: this.database.url, adminToken: undefined, masterKey: undefined },
      ...{ redisUrl: testRedisUrl(), roles: new Set(['api', 'deployer'] as const), deployTimeoutMs: 5_000 },
      // None is taken where a test does not ask for it, and then the file is not made either.
      auditCheckpointSeconds: 0,
      auditCheckpointFile: path.join(tmpdir(), `gatewarden-${randomUUID()}.jsonl`),
      // What asks as fast as it can is no test of this limit.
      apiRequestsPerMinute: 0,
      ...this.settings,
      ...settings,
    };
    const logger = pino({ level: 'trace' }, { write: (line: string) => void this.logLines.push(line) });
    const resources = { config, database, keys: await this.openKeys(), logger };
    const app = await createControlPlaneApp(resources, token);
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRoute', ({ method, path }) => {
        for (const one of [method].flat()) this.servedRoutes.add(`${one} ${path}`);
      });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    this.others.push(app);
    return app;
  }

  /** What the work asks goes to another process of the same control plane. */
  async askedAt<Value>(app: NestFastifyApplication, work: () => Promise<Value>): Promise<Value> {
    const before = this.running;
    this.running = app;
    try {
      return await work();
    } finally {
      this.running = before;
    }
  }

  /** The data keys, as a process that starts now has them. */
  async openKeys(): Promise<DataKeys> {
    const client = await this.pool.connect();
    try {
      return await openDataKeys(client, this.masterKey);
    } finally {
      client.release();
    }
  }

  async call(method: Method, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const payload = body === undefined ? {} : { payload: body as object };
    const sent = { authorization: `Bearer ${adminToken}`, ...headers };
    const {
      statusCode,
      headers: received,
      body: text,
    } = await this.app.inject({
      ...{ method, url: `/apiops${path}`, headers: sent },
      ...payload,
    });
    this.answers.push(text);
    if (method === 'POST' && path === '/environments/' && statusCode === 200)
      this.environmentNames.add((body as { name: string }).name);
    return { status: statusCode, headers: received, text, body: JSON.parse(text) as Answer['body'] };
  }

  /** The same, for what must succeed. */
  async done(method: Method, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer['body']> {
    const answer = await this.call(method, path, body, headers);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  /** Ends when the read models show every change: for tests that look into their tables. */
  async readModelsShown(): Promise<void> {
    const runner = this.app.get<ProjectionRunner>(PROJECTION_RUNNER);
    for (const { name } of PROJECTIONS) {
      if (!(await runner.showsAll(name, 10_000))) throw new Error(`read model ${name} does not catch up`);
    }
  }

  /** Routes as the web server has them; those that answer HEAD beside GET left out. */
  routes(): { method: string; path: string }[] {
    return [...this.servedRoutes]
      .map((text) => ({ method: text.split(' ')[0] ?? '', path: text.slice(text.indexOf(' ') + 1) }))
      .filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS');
  }

  /** For a new environment: its name is that of its keys, and Redis is everybody's. */
  environmentName(beginning = 'cp'): string {
    return `${beginning}-${randomUUID().slice(0, 13)}`;
  }

  /** A new environment of a name that nobody else uses, if it is not given one. */
  async environment(
    members: object = {},
    name = this.environmentName(),
  ): Promise<{ name: string; id: string; gatewayKey: string }> {
    const { resultList } = await this.done('POST', '/environments/', { name, ...members });
    const found = await this.pool.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'environment' and name = $1`,
      [name],
    );
    return { name, id: found.rows[0]?.entity_id ?? '', gatewayKey: String(resultList[0]?.['gatewayKey']) };
  }

  /** A gateway says that it applied what was asked for until now, once that is published: before, it cannot have. */
  async applied(gateway: FakeGateway, { id }: { readonly id: string }): Promise<void> {
    const asked = await this.pool.query<{ proxy_id: string; deployment: string; kind: 'publish' | 'undeploy' }>(
      'select proxy_id, deployment, kind from newest_deployments where environment_id = $1',
      [id],
    );
    for (const { proxy_id: proxyId, deployment, kind } of asked.rows) {
      await until(`deployment ${deployment} is published`, async () => {
        const found = (await gateway.channel.artifacts([proxyId])).get(proxyId)?.deployment;
        return kind === 'publish' ? found !== undefined && found >= Number(deployment) : found === undefined;
      });
    }
    await gateway.says({ loaded: (await gateway.channel.position()) ?? null });
  }

  /** '' when no proxy has the name. */
  async proxyId(name: string): Promise<string> {
    const found = await this.pool.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'api-proxy' and name = $1`,
      [name],
    );
    return found.rows[0]?.entity_id ?? '';
  }

  async events(): Promise<StoredEvent[]> {
    const found = await this.pool.query<StoredEvent>(
      'select stream_id, version, type, metadata, data from events order by epoch, transaction_id, sequence',
    );
    return found.rows;
  }

  async deployments(): Promise<{ deployment: number; state: string; kind: string; message: string }[]> {
    const found = await this.pool.query<{ deployment: string; state: string; kind: string; message: string }>(
      `select deployment, state, kind, result ->> 'message' as message from deployments order by deployment`,
    );
    return found.rows.map((row) => ({ ...row, deployment: Number(row.deployment) }));
  }

  async close(): Promise<void> {
    await Promise.all(this.others.map((app) => app.close()));
    const ids = await this.pool.query<{ entity_id: string }>(`select entity_id from names where kind = 'environment'`);
    for (const { entity_id: id } of ids.rows) await removeKeys(this.redis, `gatewarden:deploy-${id}:*`);
    for (const name of this.environmentNames) await removeKeys(this.redis, `gw:{${name}}:*`);
    this.redis.disconnect();
    await this.database.drop();
  }
}
