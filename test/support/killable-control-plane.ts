import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { type HistoryKeys } from '#libs/event-store';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { ChildProgram } from './child-program.ts';
import { FaultPoint, type Fault } from './fault-point.ts';
import { FaultProxy } from './fault-proxy.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { historyKeysOf } from './history-keys-of.ts';
import { PostgresWire } from './postgres-wire.ts';
import { callApiops, type ApiopsAnswer, type KeyedBody } from './apiops-call.ts';
import { RedisWire } from './redis-wire.ts';
import { until } from './until.ts';

export interface KeyedWrite extends KeyedBody {
  readonly method: 'POST' | 'PUT';
  /** After `/apiops`. */
  readonly path: string;
}

type Way = 'by the proxy' | 'directly';

/** Longer than any pause between two looks of anything that looks by itself. */
const ONE_MORE_LOOK_MS = 1_500;

/** What the read models are asked through. */
const LISTS = ['/projects/', '/environments/', '/projects/demo/apiProxies/', '/projects/demo/credentials/'];

/** While the whole suite runs on few cores, a start takes far longer than the second and a half that it needs. */
const READY_WITHIN_MS = 120_000;

/** A control plane in a process of its own, which reaches PostgreSQL and Redis through proxies that can stop it anywhere. */
export class KillableControlPlane {
  readonly faults = new FaultPoint();
  readonly masterKey = randomBytes(32);
  private readonly adminToken = `gwt_${randomBytes(32).toString('base64url')}`;
  private readonly directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-e2e-'));
  private redis!: RunningServer;
  private redisProxy!: FaultProxy;
  private databaseProxy!: FaultProxy;
  private url = '';
  database!: FreshDatabase;
  program!: ChildProgram;

  /** @param way of the serving process to its database */
  async start(way: Way = 'by the proxy'): Promise<void> {
    chmodSync(this.directory, 0o711);
    this.redis = await startRedis({ dataDir: path.join(this.directory, 'redis'), appendOnly: false });
    this.redisProxy = await FaultProxy.before(this.redis.url, this.faults, () => new RedisWire());
    this.database = await freshDatabase();
    this.databaseProxy = await FaultProxy.before(this.database.url, this.faults, () => new PostgresWire());
    const [port = 0] = await freePortsInARow(1);
    this.url = `http://127.0.0.1:${port}`;
    this.program = new ChildProgram('apps/control-plane/src/main.js', {
      ...this.settings(way),
      ...{ HOST: '127.0.0.1', PORT: String(port) },
    });
    await this.startAgain();
  }

  /** One of the commands that run beside a control plane. */
  command(name: string, way: Way): ChildProgram {
    return new ChildProgram(`apps/control-plane/src/maintenance/${name}.main.js`, this.settings(way));
  }

  get redisUrl(): string {
    return this.redisProxy.url;
  }

  historyKeys(): Promise<HistoryKeys> {
    return historyKeysOf(this.database.pool, this.masterKey);
  }

  async startAgain(): Promise<void> {
    this.program.start();
    const isReady = async () => (await fetch(`${this.url}/readyz`)).status === 200;
    await until('the control plane is ready', isReady, READY_WITHIN_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.program.output.slice(-2_000)}`);
    });
  }

  /**
   * Sends writes, one after the other, and kills the process at a fault point on their way.
   *
   * @returns the answers that came before, and whether the point was met
   */
  async killedAt(fault: Fault, writes: readonly KeyedWrite[]): Promise<{ isMet: boolean; answers: ApiopsAnswer[] }> {
    const answers: ApiopsAnswer[] = [];
    const struck = this.faults.arm(fault).then(() => true);
    const done = this.sendAll(writes, answers).then(async () => {
      await Promise.race([this.settled().catch(() => undefined), struck]);
      await Promise.race([new Promise((resolve) => setTimeout(resolve, ONE_MORE_LOOK_MS)), struck]);
      return false;
    });
    const isMet = await Promise.race([struck, done]);
    await this.program.signal('SIGKILL');
    this.faults.release();
    await done;
    return { isMet, answers };
  }

  /** Until there is nothing left to do: every deployment has ended, and every read model shows every event. */
  async settled(withinMs = READY_WITHIN_MS): Promise<void> {
    await until('every deployment has ended', async () => this.haveDeploymentsEnded(), withinMs);
    // A list is answered once its read model has seen everything that was recorded before.
    for (const list of LISTS) await this.call('GET', list);
  }

  call(method: string, callPath: string, write?: KeyedWrite): Promise<ApiopsAnswer> {
    const { url, adminToken } = this;
    return callApiops({ url, adminToken }, method, callPath, write);
  }

  async stop(): Promise<void> {
    await this.program.signal('SIGKILL');
    await Promise.all([this.databaseProxy.close(), this.redisProxy.close()]);
    await this.database.drop();
    await this.redis.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private settings(way: Way): Record<string, string> {
    const databaseUrl = way === 'directly' ? this.database.url : this.databaseProxy.url;
    return {
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: this.redisProxy.url, DATA_DIR: path.join(this.directory, 'data') },
      ...{ MASTER_KEY: this.masterKey.toString('base64'), ADMIN_TOKEN: this.adminToken },
      API_REQUESTS_PER_MINUTE: '0',
      ...{ DEPLOY_TIMEOUT_MS: '1000', LOG_LEVEL: 'warn' },
    };
  }

  /** Until the first one that is not answered. */
  private async sendAll(writes: readonly KeyedWrite[], answers: ApiopsAnswer[]): Promise<void> {
    for (const write of writes) {
      const answer = await this.call(write.method, write.path, write).catch(() => undefined);
      if (answer === undefined) return;
      answers.push(answer);
    }
  }

  private async haveDeploymentsEnded(): Promise<boolean> {
    const { rows } = await this.database.pool.query(`select from deployments where state = 'pending' limit 1`);
    return rows.length === 0;
  }
}
