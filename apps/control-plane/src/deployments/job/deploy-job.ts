import { Inject, Injectable } from '@nestjs/common';
import { ChannelUnavailable, type ChangeRecord, type PublishOptions } from '#libs/config-distribution';
import { CONTROL_PLANE_CONFIG } from '../../injection-tokens.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { nothingPublished, overtakenBy } from '../../deployment-requests/deployment-outcomes.ts';
import { RoomMade } from '../../deployment-requests/retry-pauses.ts';
import { DeploymentRows, type DeploymentRow, type OpenDeployment } from '../../deployment-requests/deployment-rows.ts';
import { ArtifactCompiler, artifactText } from '../artifact/artifact-compiler.ts';
import { CannotCompile } from '../artifact/cannot-compile.ts';
import {
  EnvironmentChannels,
  type EnvironmentChannel,
  type OpenedEnvironment,
} from '../channel/environment-channels.ts';
import type { InPlace } from '../channel/known-position.ts';
import { AnswerCollection } from './answer-collection.ts';
import { DeploymentEnds } from './deployment-ends.ts';
import { DisputedHead } from './disputed-head.ts';
import { AnswersPending, HeadDisputed, reasonToShow } from './failed-attempt.ts';
import { LostEnvironments } from './lost-environments.ts';
import { cannotBeCompiled } from './outcome-message.ts';
import { PublishingTurns } from './publishing-turns.ts';

interface Prepared {
  readonly change: ChangeRecord;
  readonly artifact: string | null;
}

/** What is left to do once a deployment is published. */
interface PublishedDeployment {
  readonly environment: EnvironmentChannel;
  readonly published: InPlace;
}

/**
 * Carries out one deployment: compile, seal, publish, collect the gateways' answers, settle. Running it twice, late or
 * out of order changes nothing: the deployment number fences it. Many run at once; only so many publish, one for each
 * proxy, and those that wait for gateways hold up none of them.
 */
@Injectable()
export class DeployJob {
  private readonly turns = new PublishingTurns();
  private readonly lost = new LostEnvironments();
  private readonly collection: AnswerCollection;

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) config: ControlPlaneConfig,
    private readonly rows: DeploymentRows,
    private readonly channels: EnvironmentChannels,
    private readonly compiler: ArtifactCompiler,
    private readonly ends: DeploymentEnds,
    private readonly disputed: DisputedHead,
  ) {
    this.collection = new AnswerCollection(config, rows, ends);
  }

  /** @throws AnswersPending, RoomMade, ChannelUnavailable: to be run again. */
  async run(environmentId: string, deployment: number): Promise<void> {
    const open = await this.rows.open(environmentId, deployment);
    if (open === undefined) return;
    try {
      const { row } = open;
      this.collection.begins(row);
      const done = await this.turns.take(row, async (hasWaited) => {
        const current = hasWaited ? await this.rows.open(environmentId, deployment) : open;
        return current === undefined ? undefined : this.carryOut(current);
      });
      if (done !== undefined) await this.collection.collect(row, done.environment, done.published);
    } catch (error) {
      await this.noteFailure(open.row, error);
      throw error;
    }
  }

  /** Whoever asks what became of the deployment is told why it waits. */
  private async noteFailure(row: DeploymentRow, error: unknown): Promise<void> {
    if (error instanceof AnswersPending || error instanceof RoomMade) return; // noted with all that is known
    if (error instanceof ChannelUnavailable) this.lost.note(row.environmentId, error);
    const progress = nothingPublished(reasonToShow(error));
    if (row.result?.message === progress.message) return;
    await this.rows.noteProgress(row.environmentId, row.deployment, progress).catch(() => undefined); // `error` says it all
  }

  /** @returns undefined when it has ended */
  private async carryOut(open: OpenDeployment): Promise<PublishedDeployment | undefined> {
    const { row, newestDeployment } = open;
    if (newestDeployment > row.deployment) return this.supersede(row, newestDeployment);
    this.lost.requireHope(row.environmentId);
    try {
      const opened = this.channels.opened(row.environmentId);
      const [{ channel }, prepared] = await Promise.all([opened, this.prepare(row, opened)]);
      if (prepared === undefined) {
        const message = cannotBeCompiled(`revision ${row.revision} of the proxy does not exist`);
        return await this.end(row, 'failed', message);
      }
      return await this.publish(open, channel, prepared);
    } catch (error) {
      if (error instanceof CannotCompile) return this.end(row, 'failed', cannotBeCompiled(error.message));
      throw error;
    }
  }

  private async prepare(row: DeploymentRow, opened: Promise<OpenedEnvironment>): Promise<Prepared | undefined> {
    const { proxyId, deployment, revision } = row;
    if (row.kind === 'undeploy') {
      return { change: { kind: 'tombstone', proxyId, deployment, project: '', proxy: '' }, artifact: null };
    }
    const [{ environment, channel }, proxy] = await Promise.all([opened, this.compiler.proxyAt(proxyId, revision)]);
    if (proxy === undefined) return undefined;
    const { text, hash } = artifactText(await this.compiler.compile(proxy, environment), channel.keys);
    const { project, name } = proxy;
    return { change: { kind: 'artifact', proxyId, deployment, project, proxy: name, revision, hash }, artifact: text };
  }

  private async publish(
    { row, lastGood }: OpenDeployment,
    environment: EnvironmentChannel,
    { change, artifact }: Prepared,
  ): Promise<PublishedDeployment | undefined> {
    const options: PublishOptions = lastGood === undefined ? {} : { lastGood };
    let published = await environment.publisher.publish(change, artifact, options);
    if (published.kind === 'stale') {
      const disbelieved = published.heldDeployment;
      const successor = await this.disputed.successorOf(row, environment, disbelieved);
      if (successor !== undefined) return this.supersede(row, successor);
      published = await environment.publisher.publish(change, artifact, { ...options, disbelieved });
    }
    if (published.kind === 'stale') throw new HeadDisputed(environment.name);
    return { environment, published };
  }

  private supersede(row: DeploymentRow, newer: number): Promise<undefined> {
    return this.end(row, 'superseded', overtakenBy(newer));
  }

  private async end(row: DeploymentRow, state: 'failed' | 'superseded', message: string): Promise<undefined> {
    await this.ends.settle(row, state, nothingPublished(message));
    return undefined;
  }
}
