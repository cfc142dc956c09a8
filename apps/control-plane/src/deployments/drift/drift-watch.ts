import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { IdentityKind } from '#libs/config-distribution';
import type { Logger } from '#libs/program-shell';
import { DATABASE, LOGGER } from '../../injection-tokens.ts';
import { ownContext } from '../../persistence/unit-of-work.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import type { SoundChannel } from './channel-repair.ts';
import type { DriftFinding } from './drift-finding.ts';
import { DriftMetrics } from './drift-metrics.ts';
import { DriftRepair, isUnrecordedProxy } from './drift-repair.ts';
import type { DriftScope } from './drift-ledger.ts';
import { EnvironmentMirrors, isComplete } from './environment-mirrors.ts';
import { highestIn } from './drift-report.ts';
import { EnvironmentComparison, FIRST_IDENTITY, IDENTITY_KINDS, type Compared } from './environment-comparison.ts';
import { compareGateways } from './gateway-comparison.ts';
import { WatchedEnvironment } from './watched-environment.ts';

/** So many are looked at in each upkeep, about once a second: thousands of proxies cost little. */
const ARTIFACTS_PER_LOOK = 100;
const IDENTITIES_PER_LOOK = 200;
const NAMED_IN_LOG = 10;

const CONTEXT = ownContext('drift');

/** One look at one environment. */
interface Looking extends SoundChannel {
  readonly watched: WatchedEnvironment;
  readonly comparison: EnvironmentComparison;
}

/** Compares what environments and gateways hold with what is recorded, all the time, and has repaired what differs. */
@Injectable()
export class DriftWatch {
  private readonly watched = new WeakMap<EnvironmentChannel, WatchedEnvironment>();
  /** By id, of those that metrics speak of. */
  private readonly names = new Map<string, string>();

  constructor(
    @Inject(DATABASE) private readonly database: pg.Pool,
    private readonly repairs: DriftRepair,
    private readonly metrics: DriftMetrics,
    private readonly mirrors: EnvironmentMirrors,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Looks at the next part of everything.
   *
   * @throws ChannelUnavailable
   */
  async look(sound: SoundChannel): Promise<void> {
    const { environment } = sound;
    const watched = this.watched.get(environment) ?? new WatchedEnvironment();
    this.watched.set(environment, watched);
    this.names.set(environment.environmentId, environment.name);
    const comparison = new EnvironmentComparison(this.database, environment);
    const looking: Looking = { ...sound, watched, comparison };
    if (sound.isReadWhole) await this.lookAtRecords(looking);
    await this.lookAtGateways(looking);
    await this.lookAtArtifacts(looking);
    await this.lookAtIdentities(looking);
    await this.lookForStrangers(looking);
  }

  /** The environment is gone. */
  forget(environmentId: string): void {
    const name = this.names.get(environmentId);
    this.names.delete(environmentId);
    if (name !== undefined) this.metrics.forget(name);
  }

  private async lookAtRecords(looking: Looking): Promise<void> {
    const { environment, mirror, comparison } = looking;
    const { findings, isComplete } = await comparison.records(mirror, () => mirror.follow());
    if (isComplete) this.mirrors.of(environment).completeEpoch = mirror.position?.epoch;
    await this.settle(looking, 'records', { findings, next: undefined });
  }

  private async lookAtGateways(looking: Looking): Promise<void> {
    const { environment, mirror, watched } = looking;
    const log = { mirror, isComplete: isComplete(this.mirrors.of(environment)) };
    const { findings } = await compareGateways(this.database, environment, log);
    const lasting = watched.lasting(findings, performance.now());
    await this.settle(looking, 'gateways', { findings: lasting, next: undefined });
  }

  private async lookAtArtifacts(looking: Looking): Promise<void> {
    const { environment, comparison, watched } = looking;
    const page = await comparison.artifacts(watched.artifactsAfter ?? '', ARTIFACTS_PER_LOOK);
    watched.artifactsAfter = page.next;
    await this.settle(looking, 'artifacts', page);
    if (page.next === undefined) this.metrics.noteCompared(environment.name);
  }

  private async lookAtIdentities(looking: Looking): Promise<void> {
    const { comparison, watched } = looking;
    const page = await comparison.identities(watched.identitiesAfter ?? FIRST_IDENTITY, IDENTITIES_PER_LOOK);
    watched.identitiesAfter = page.next;
    await this.settle(looking, 'identities', page);
  }

  /** One kind after the other. */
  private async lookForStrangers(looking: Looking): Promise<void> {
    const { comparison, watched } = looking;
    const { kind, cursor } = watched.scan;
    const page = await comparison.strangers(kind, cursor);
    watched.scan = page.next === undefined ? { kind: kindAfter(kind), cursor: '0' } : { kind, cursor: page.next };
    await this.settle(looking, `strangers-${kind}`, page);
  }

  /** Says what is new, and has repaired what was not repaired just before. */
  private async settle(
    { environment, mirror, watched }: Looking,
    scope: DriftScope,
    { findings, next }: Pick<Compared<unknown>, 'findings' | 'next'>,
  ): Promise<void> {
    const { name } = environment;
    const news = watched.ledger.note(scope, findings, next === undefined);
    this.metrics.noteFound(name, news);
    this.metrics.showOpen(name, watched.ledger.open());
    if (news.length > 0) this.report(name, news);
    const due = watched.due(findings, performance.now());
    if (due.length === 0) return;
    const order = { findings: due, highestFound: highestIn(mirror), takesOutUnrecorded: false };
    const repaired = await this.repairs.request(CONTEXT, environment, order);
    // Nothing is taken out by itself: numbers go on behind it, and that is all there is to do.
    watched.noteRepair(due.filter(isUnrecordedProxy), performance.now());
    if (repaired.deployments.length === 0 && repaired.identities === 0 && !repaired.isEverything) return;
    watched.noteRepair(
      due.filter((one) => !isUnrecordedProxy(one)),
      performance.now(),
    );
    const { identities, isEverything } = repaired;
    const deployments = repaired.deployments.map(({ deployment }) => deployment).slice(0, NAMED_IN_LOG);
    this.logger.warn({ environment: name, deployments, identities, isEverything }, 'drift is being repaired');
  }

  private report(environment: string, news: readonly DriftFinding[]): void {
    const findings = news.slice(0, NAMED_IN_LOG);
    this.logger.warn({ environment, count: news.length, findings }, 'an environment does not hold what is recorded');
  }
}

const kindAfter = (kind: IdentityKind): IdentityKind =>
  IDENTITY_KINDS[(IDENTITY_KINDS.indexOf(kind) + 1) % IDENTITY_KINDS.length] ?? kind;
