import { type Server } from 'node:http';
import path from 'node:path';
import { acquireDirectoryLock, type DirectoryLock } from '#libs/embedded-servers';
import { ApiopsClient } from './apiops-client.ts';
import { explainFault, stepLine, type StepName, type WriteLine } from './console-lines.ts';
import { waitForDemo } from './demo-check.ts';
import { loadDemoState, type DemoState } from './demo-state.ts';
import { deployDemo } from './demo.ts';
import { ensureEnvironment } from './gateway-key.ts';
import { OwnRedis } from './own-redis.ts';
import { signPartnerToken } from './partner-token.ts';
import { checkPorts, portsOf } from './ports.ts';
import { printAddresses, printWalk, withoutCredentials, type GuideFacts } from './printed-guide.ts';
import { stopLeftovers } from './run-record.ts';
import { startSampleUpstream, stopSampleUpstream } from './sample-upstream.ts';
import { readSecretFile } from './secret-file.ts';
import { StackFault } from './stack-fault.ts';
import { type StackOptions } from './stack-options.ts';
import {
  adminUrl,
  controlPlaneDataDir,
  controlPlanePlan,
  controlPlaneUrl,
  GATEWAY_COUNT,
  gatewayPlan,
  gatewayUrl,
  type PlanSources,
} from './stack-plans.ts';
import { SupervisedProcess, type ProcessPlan, type ProcessSurroundings } from './supervised-process.ts';

const gatewayIndexes = Array.from({ length: GATEWAY_COUNT }, (_unused, index) => index);

/** Everything that `npm run up` runs, started in order and stopped in the opposite one. */
export class LocalStack {
  private lock: DirectoryLock | undefined;
  private redis: OwnRedis | undefined;
  private controlPlane: SupervisedProcess | undefined;
  private readonly gateways: SupervisedProcess[] = [];
  private upstream: Server | undefined;
  private isStopping = false;
  private readonly surroundings: ProcessSurroundings;

  constructor(
    private readonly options: StackOptions,
    private readonly appsDirectory: string,
    private readonly write: WriteLine,
  ) {
    this.surroundings = { dataDir: options.dataDir, say: (message) => write(`      ${message}`) };
  }

  /**
   * Starts everything and prints the addresses and what to try.
   *
   * @throws StackFault, EmbeddedServerError; call `stop` afterwards in any case
   */
  async start(): Promise<void> {
    await this.prepare();
    const redisUrl = await this.startRedis();
    const sources = { options: this.options, appsDirectory: this.appsDirectory, redisUrl };
    await this.startControlPlane(sources);
    const apiops = new ApiopsClient(controlPlaneUrl(this.options), this.readAdminToken());
    await this.startGateways(sources, await ensureEnvironment(apiops, this.options.dataDir));
    const walk = await this.showDemo(apiops);
    this.step('ready', 'Ctrl-C stops everything; the next npm run up goes on with the same data');
    const facts = this.guideFacts(redisUrl);
    this.write(`\n${printAddresses(facts)}\n`);
    if (walk !== null) this.write(`Paste these into another terminal:\n\n${printWalk(facts, walk)}`);
  }

  /** Gateways first, then the control plane, then what they need. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const say = (message: string): void => this.write(`stopping ${message} …`);
    if (this.gateways.length > 0) say('the gateways');
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
    if (this.controlPlane !== undefined) say('the control plane and its database');
    await this.controlPlane?.stop();
    if (this.redis !== undefined) say('Redis');
    await this.redis?.stop();
    if (this.upstream !== undefined) await stopSampleUpstream(this.upstream);
    this.lock?.release();
    if (this.redis !== undefined || this.controlPlane !== undefined) this.write('stopped');
  }

  /** For who will not wait. The next start tidies up. */
  kill(): void {
    for (const gateway of this.gateways) gateway.kill();
    this.controlPlane?.kill();
    this.redis?.kill();
  }

  private step(step: StepName, message: string): void {
    this.write(stepLine(step, message));
  }

  private async prepare(): Promise<void> {
    const { dataDir } = this.options;
    this.lock = acquireDirectoryLock(dataDir, 'another npm run up');
    await stopLeftovers(dataDir, this.surroundings.say);
    await checkPorts(portsOf(this.options));
    this.step('data', dataDir);
  }

  private async startRedis(): Promise<string> {
    if (this.options.redisUrl !== undefined) {
      this.step('redis', `${withoutCredentials(this.options.redisUrl)}, as REDIS_URL says`);
      return this.options.redisUrl;
    }
    this.redis = new OwnRedis(this.surroundings);
    const url = await this.redis.start();
    this.step('redis', `our own, on ${url}`);
    return url;
  }

  private async startControlPlane(sources: PlanSources): Promise<void> {
    this.step('control plane', 'starting (with its database; the first time takes some seconds)');
    this.controlPlane = await this.startProcess(controlPlanePlan(sources), (started) => (this.controlPlane = started));
    this.step('control plane', `ready on ${controlPlaneUrl(this.options)}`);
  }

  private async startGateways(sources: PlanSources, key: string): Promise<void> {
    await Promise.all(
      gatewayIndexes.map((index) =>
        this.startProcess(gatewayPlan(sources, index, key), (started) => this.gateways.push(started)),
      ),
    );
    this.step('gateways', `ready on ${gatewayIndexes.map((index) => gatewayUrl(this.options, index)).join(', ')}`);
  }

  /** Known to `stop` before it is ready, so that Ctrl-C during the start stops it too. */
  private async startProcess(
    plan: ProcessPlan,
    know: (started: SupervisedProcess) => unknown,
  ): Promise<SupervisedProcess> {
    if (this.isStopping) throw new StackFault('NOT_READY', `${plan.name} was not started: we are stopping`);
    const started = new SupervisedProcess(plan, this.surroundings);
    know(started);
    await started.start();
    return started;
  }

  private readAdminToken(): string {
    const token = this.options.adminToken ?? readSecretFile(this.adminTokenFile);
    if (token !== null) return token;
    throw new StackFault('NOT_READY', `the control plane wrote no administrator's token to ${this.adminTokenFile}`);
  }

  private get adminTokenFile(): string {
    return path.join(controlPlaneDataDir(this.options), 'admin-token');
  }

  /** Null where there is no demo, or where it could not be deployed: the stack is of use all the same. */
  private async showDemo(apiops: ApiopsClient) {
    if (!this.options.demo) {
      this.step('demo', 'none (--no-demo)');
      return null;
    }
    this.upstream = await startSampleUpstream(this.options.upstreamPort);
    try {
      return await this.deployDemo(apiops, await loadDemoState(this.options.dataDir));
    } catch (error) {
      if (!(error instanceof StackFault)) throw error;
      this.step('demo', `not ready${explainFault(error)}`);
      return null;
    }
  }

  private async deployDemo(apiops: ApiopsClient, state: DemoState) {
    const { dataDir, upstreamPort } = this.options;
    await deployDemo(apiops, state, { dataDir, upstreamPort, say: (message) => this.step('demo', message) });
    const partnerToken = await signPartnerToken(state.partnerPrivateKey);
    await waitForDemo(
      gatewayIndexes.map((index) => gatewayUrl(this.options, index)),
      partnerToken,
    );
    this.step('demo', 'deployed to both gateways');
    return { clientSecret: state.clientSecret, userPassword: state.userPassword, partnerToken };
  }

  private guideFacts(redisUrl: string): GuideFacts {
    return {
      controlPlaneUrl: controlPlaneUrl(this.options),
      gatewayUrls: gatewayIndexes.map((index) => gatewayUrl(this.options, index)),
      adminUrls: gatewayIndexes.map((index) => adminUrl(this.options, index)),
      upstreamUrl: this.upstream === undefined ? null : `http://127.0.0.1:${this.options.upstreamPort}`,
      redisUrl,
      dataDir: this.options.dataDir,
      adminTokenFile: this.options.adminToken === undefined ? this.adminTokenFile : null,
    };
  }
}
