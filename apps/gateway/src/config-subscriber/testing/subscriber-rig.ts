import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  artifactHash,
  InMemoryConfigChannel,
  openLease,
  type ChangeRecord,
  type GatewayKey,
  type KeySetNote,
} from '#libs/config-distribution';
import type { KeySetOrders } from '#libs/policy-contracts';
import { prepareEnvironment, ReplaceableChannel, type PreparedEnvironment } from '#libs/config-distribution/testing';
import { artifactOf, type ArtifactWishes } from '../../http-server/testing/rig.ts';
import { CapturedLog } from '#libs/program-shell/testing';
import { InMemoryRevocationLedger } from '#libs/token-revocations';
import { ReplaceableLedger } from '#libs/token-revocations/testing';
import { RevocationsUnderTest } from '../../revocations/testing/revocations-under-test.ts';
import { joinCredentials } from '../../credentials/join-credentials.ts';
import { NO_HEADERS } from '../../router/header-rules.ts';
import { GatewayMetrics } from '../../metrics/gateway-metrics.ts';
import { ActiveGateway } from '../active-gateway.ts';
import { ConfigSubscriber } from '../config-subscriber.ts';
import { EnvironmentAdmission } from '../environment-admission.ts';
import { EnvironmentContact } from '../environment-contact.ts';
import { Journal } from '../journal.ts';
import { LeaseKeeper } from '../lease-keeper.ts';
import { SnapshotStore } from '../snapshot/snapshot-store.ts';
import { StandingOrders } from '../standing-orders.ts';

/** The environment that `artifactOf` compiles for. */
export const ENVIRONMENT = 'test';

/** A directory that is removed at the end of the test file's run. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-gateway-'));
  return { path: directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

export const changeFor = (proxy: string, deployment: number): Extract<ChangeRecord, { kind: 'artifact' }> => ({
  kind: 'artifact',
  proxyId: `id-of-${proxy}`,
  project: 'shop',
  proxy,
  deployment,
  revision: 1,
  hash: `hash-${deployment}`,
});

export const tombstoneFor = (proxy: string, deployment: number): ChangeRecord => ({
  kind: 'tombstone',
  proxyId: `id-of-${proxy}`,
  project: 'shop',
  proxy,
  deployment,
});

export const artifactText = (wishes: Omit<ArtifactWishes, 'addresses'> & Partial<ArtifactWishes> = {}): string =>
  JSON.stringify(artifactOf({ addresses: ['http://127.0.0.1:9'], ...wishes }));

/** One gateway process: everything but Redis and the sockets is real. */
export class GatewayUnderTest {
  readonly log = new CapturedLog();
  readonly metrics = new GatewayMetrics();
  readonly snapshot: SnapshotStore;
  readonly active: ActiveGateway;
  readonly subscriber: ConfigSubscriber;
  readonly contact: EnvironmentContact;
  readonly revocations: RevocationsUnderTest;
  swaps = 0;
  /** What its key sets were ordered, in order. */
  readonly obeyed: KeySetOrders[] = [];
  /** What its key sets say of themselves. */
  notes: readonly KeySetNote[] = [];

  constructor(
    private readonly environment: EnvironmentUnderTest,
    gatewayKey: GatewayKey,
    directory: string,
  ) {
    const { channel } = environment;
    const nowMs = () => environment.nowMs;
    const journal = new Journal(this.log.logger, this.metrics, nowMs);
    this.snapshot = new SnapshotStore(directory);
    this.snapshot.open();
    const rules = { environment: ENVIRONMENT, rootContext: '', options: { faultCodes: 'documented' as const } };
    this.active = new ActiveGateway(rules, {
      onSwap: () => (this.swaps += 1),
      onContest: (contest) => journal.routeContested(contest),
    });
    const identity = { gatewayId: 'gateway-1', programVersion: '1', startedAt: 'now', address: () => 'host:1' };
    this.contact = new EnvironmentContact(nowMs);
    const orders = new StandingOrders({
      ...{ channel, journal, file: this.snapshot.orders },
      obey: (given) => this.obeyed.push(given),
    });
    this.revocations = new RevocationsUnderTest(environment, directory, this.log.logger, this.metrics);
    const { follower: revocations } = this.revocations;
    const beside = () => ({
      obeys: { 'key-sets': orders.version, revocations: revocations.sequence },
      keySetNotes: [...this.notes],
    });
    this.subscriber = new ConfigSubscriber({
      environment: ENVIRONMENT,
      channel,
      contact: this.contact,
      admission: new EnvironmentAdmission(ENVIRONMENT, gatewayKey),
      active: this.active,
      snapshot: this.snapshot,
      orders,
      revocations,
      credentials: joinCredentials({
        ...{ channel, journal, logger: this.log.logger, metrics: this.metrics },
        config: { snapshotDir: directory },
        channelKeys: () => this.subscriber.keys,
      }),
      lease: new LeaseKeeper(channel, identity, nowMs, beside),
      journal,
      nowMs,
    });
  }

  look(): Promise<void> {
    return this.subscriber.look();
  }

  get isReady(): boolean {
    return this.subscriber.notReadyBecause === null;
  }

  /** Names of the proxies that are live. */
  get served(): string[] {
    return [...(this.active.current?.proxies.values() ?? [])].map(({ linked }) => linked.artifact.proxy).sort();
  }

  deploymentOf(proxy: string): number | undefined {
    return this.active.current?.proxies.get(`id-of-${proxy}`)?.change.deployment;
  }

  routes(path: string): string {
    return this.active.current?.router.match('any', 'GET', path, NO_HEADERS).kind ?? 'no configuration';
  }

  async lease() {
    const [stored] = await this.environment.channel.leases();
    return stored && openLease(this.environment.prepared.keys, stored);
  }

  async kill(): Promise<void> {
    await this.subscriber.stop();
    this.snapshot.close();
  }
}

/** A Redis with an environment's key ring in it, and a clock. */
export class EnvironmentUnderTest {
  nowMs = Date.UTC(2026, 0, 1);
  /** In the same Redis as the channel. */
  readonly ledger: ReplaceableLedger;
  private readonly gateways: GatewayUnderTest[] = [];
  /** Of what was published, by deployment. */
  private readonly hashes = new Map<number, string>();

  private constructor(
    readonly channel: ReplaceableChannel,
    readonly prepared: PreparedEnvironment,
    private readonly directory: ReturnType<typeof temporaryDirectory>,
  ) {
    this.ledger = new ReplaceableLedger(() => !this.channel.isAway);
  }

  static async create(): Promise<EnvironmentUnderTest> {
    const channel = new ReplaceableChannel(new InMemoryConfigChannel());
    return new EnvironmentUnderTest(channel, await prepareEnvironment(channel, ENVIRONMENT), temporaryDirectory());
  }

  get snapshotDir(): string {
    return this.directory.path;
  }

  start(gatewayKey = this.prepared.gatewayKey): GatewayUnderTest {
    const gateway = new GatewayUnderTest(this, gatewayKey, this.snapshotDir);
    this.gateways.push(gateway);
    return gateway;
  }

  /** @param lastGood an earlier deployment of the proxy that is to stay beside this one */
  async publish(proxy: string, deployment: number, text?: string, lastGood?: number): Promise<void> {
    const artifact = text ?? artifactText({ proxy, paths: [`/${proxy}`] });
    const { publisher, keys } = this.prepared;
    this.hashes.set(deployment, artifactHash(keys, artifact));
    const good = lastGood && { deployment: lastGood, revision: 1, hash: this.hashes.get(lastGood) ?? '' };
    await publisher.publish(changeFor(proxy, deployment), artifact, good ? { lastGood: good } : {});
  }

  /** Redis loses everything; the control plane has put nothing back but the key ring. */
  async emptyRedis(): Promise<void> {
    this.channel.server = new InMemoryConfigChannel();
    this.ledger.server = new InMemoryRevocationLedger();
    await this.prepared.admit();
  }

  async remove(proxy: string, deployment: number): Promise<void> {
    await this.prepared.publisher.publish(tombstoneFor(proxy, deployment), null);
  }

  async dispose(): Promise<void> {
    for (const gateway of this.gateways) await gateway.kill();
    this.directory.remove();
  }
}
