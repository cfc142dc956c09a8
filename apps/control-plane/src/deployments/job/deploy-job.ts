import { Inject, Injectable } from '@nestjs/common';
import type { ChangeRecord } from '#libs/config-distribution';
import { CONTROL_PLANE_CONFIG } from '../../injection-tokens.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { environmentDeploymentsStream, settledEvent } from '../../deployment-requests/deployment-events.ts';
import { requestDeployments } from '../../deployment-requests/deployment-requests.ts';
import { ownContext, UnitOfWork } from '../../persistence/unit-of-work.ts';
import { ArtifactCompiler, artifactText } from '../artifact/artifact-compiler.ts';
import { CannotCompile } from '../artifact/cannot-compile.ts';
import { EnvironmentChannels, type EnvironmentChannel } from '../channel/environment-channels.ts';
import type { AnswerCount } from '../channel/gateway-answers.ts';
import type { InPlace } from '../channel/known-position.ts';
import {
  DeploymentRows,
  type DeploymentOutcome,
  type DeploymentRow,
} from '../../deployment-requests/deployment-rows.ts';
import { DeploymentSettled } from '../../deployment-requests/deployment-settled.ts';
import { HeadDisputed, reasonToShow } from './failed-attempt.ts';
import { outcomeOfAnswers } from './outcome-message.ts';

/** Gateways have not all answered yet: the queue runs the job again, which asks again. */
export class AnswersPending extends Error {
  readonly code = 'ANSWERS_PENDING';
  constructor(environment: string, pending: number) {
    super(`${pending} gateway(s) of ${environment} have not answered yet`);
    this.name = 'AnswersPending';
  }
}

interface Prepared {
  readonly change: ChangeRecord;
  readonly artifact: string | null;
}

type Final = 'succeeded' | 'failed' | 'superseded';

/** The part of the time a request waits that a job spends on collecting answers, so that the answer has the counts. */
const SHARE_OF_WAIT = 0.8;

/**
 * Carries out one deployment: compile, seal, publish, collect the gateways' answers, settle. Running it twice, late or
 * out of order changes nothing: the deployment number fences it.
 */
@Injectable()
export class DeployJob {
  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    private readonly rows: DeploymentRows,
    private readonly channels: EnvironmentChannels,
    private readonly compiler: ArtifactCompiler,
    private readonly units: UnitOfWork,
    private readonly settled: DeploymentSettled,
  ) {}

  /** @throws AnswersPending, ChannelUnavailable: to be run again. */
  async run(environmentId: string, deployment: number): Promise<void> {
    const row = await this.rows.find(environmentId, deployment);
    if (row?.state !== 'pending') return;
    const newest = await this.rows.newestOf(environmentId, row.proxyId);
    if (newest !== undefined && newest.deployment > deployment) {
      return this.settle(row, 'superseded', nothingPublished(`Superseded by deployment ${newest.deployment}`));
    }
    try {
      await this.carryOut(row);
    } catch (error) {
      if (error instanceof CannotCompile) return this.settle(row, 'failed', nothingPublished(error.message));
      if (!(error instanceof AnswersPending)) await this.noteFailure(row, error);
      throw error;
    }
  }

  /** Whoever asks what became of the deployment is told why it waits. */
  private async noteFailure({ environmentId, deployment }: DeploymentRow, error: unknown): Promise<void> {
    const progress = nothingPublished(reasonToShow(error));
    await this.rows.noteProgress(environmentId, deployment, progress).catch(() => undefined); // `error` says it all
  }

  private async carryOut(row: DeploymentRow): Promise<void> {
    const environment = await this.channels.of(row.environmentId);
    const prepared = await this.prepare(row, environment);
    if (prepared === undefined) {
      return this.settle(row, 'failed', nothingPublished(`revision ${row.revision} of the proxy does not exist`));
    }
    await this.publish(row, environment, prepared);
  }

  private async prepare(row: DeploymentRow, environment: EnvironmentChannel): Promise<Prepared | undefined> {
    const { proxyId, deployment, revision } = row;
    if (row.kind === 'undeploy') {
      return { change: { kind: 'tombstone', proxyId, deployment, project: '', proxy: '' }, artifact: null };
    }
    const proxy = await this.compiler.proxyAt(proxyId, revision);
    if (proxy === undefined) return undefined;
    const state = await this.channels.environment(row.environmentId);
    const { text, hash } = artifactText(await this.compiler.compile(proxy, state), environment.keys);
    const { project, name } = proxy;
    return { change: { kind: 'artifact', proxyId, deployment, project, proxy: name, revision, hash }, artifact: text };
  }

  private async publish(row: DeploymentRow, environment: EnvironmentChannel, prepared: Prepared): Promise<void> {
    const { change, artifact } = prepared;
    let published = await environment.publisher.publish(change, artifact);
    if (published.kind === 'stale') {
      const successor = await this.successorOf(row, environment, published.heldDeployment);
      if (successor !== undefined) {
        return this.settle(row, 'superseded', nothingPublished(`Superseded by deployment ${successor}`));
      }
      published = await environment.publisher.publish(change, artifact, published.heldDeployment);
    }
    if (published.kind === 'stale') throw new HeadDisputed(environment.name);
    await this.collect(row, environment, published);
  }

  /**
   * Redis claims a later deployment: the one that takes this one's place, or undefined when the claim is a lie. Which
   * deployments there are is known in PostgreSQL alone; heads in Redis are in clear, and whoever can write there could
   * make deployments vanish. Only what was sealed here is believed beside: then PostgreSQL came back from an old copy.
   */
  private async successorOf(
    row: DeploymentRow,
    environment: EnvironmentChannel,
    heldDeployment: number,
  ): Promise<number | undefined> {
    const { environmentId, deployment, proxyId } = row;
    const newest = await this.rows.newestOf(environmentId, proxyId);
    if (newest !== undefined && newest.deployment > deployment) return newest.deployment;
    const isGenuine = await environment.publisher.holds(proxyId, heldDeployment);
    environment.logger.error(
      { environment: environment.name, proxyId, deployment, heldDeployment },
      isGenuine
        ? 'Redis holds a later deployment than PostgreSQL knows of: numbers go on behind it'
        : 'the Redis of an environment claims a deployment that was never made: overwritten',
    );
    return isGenuine ? this.requestBehind(row, environment.name, heldDeployment) : undefined;
  }

  private requestBehind(row: DeploymentRow, environmentName: string, heldDeployment: number): Promise<number> {
    const { environmentId, deployment, proxyId, kind, revision } = row;
    const context = ownContext(`deployment-${environmentId}-${deployment}`);
    return this.units.run(context, async (unit) => {
      await unit.transaction.query(
        `update deployment_counters set last_deployment = greatest(last_deployment, $2) where environment_id = $1`,
        [environmentId, heldDeployment],
      );
      const newer = await unit.transaction.query<{ deployment: string }>(
        `select deployment from deployments where environment_id = $1 and proxy_id = $2 and deployment > $3
         order by deployment desc limit 1`,
        [environmentId, proxyId, deployment],
      );
      if (newer.rows[0] !== undefined) return Number(newer.rows[0].deployment);
      const description = 'Deployed again: its number had been used before';
      const wish = { kind, proxyId, revision, description };
      const [next] = await requestDeployments(unit, [{ environmentId, environmentName }], wish);
      return next?.deployment ?? heldDeployment;
    });
  }

  private async collect(row: DeploymentRow, environment: EnvironmentChannel, published: InPlace): Promise<void> {
    await environment.notePublished(published);
    const question = { proxyId: row.proxyId, deployment: row.deployment, position: published.position };
    const answers = await environment.answers.collect(question, this.config.deployTimeoutMs * SHARE_OF_WAIT);
    // Not of what was compiled just now: a job that runs again may find other keys, and gateways have the first bytes.
    const hash = published.change.kind === 'artifact' ? published.change.hash : undefined;
    await this.conclude(row, environment.name, { answers, hash });
  }

  private async conclude(
    row: DeploymentRow,
    environmentName: string,
    { answers, hash }: { answers: AnswerCount; hash: string | undefined },
  ): Promise<void> {
    const outcome = outcomeOfAnswers(row.kind, answers, hash);
    if (answers.rejected > 0) return this.settle(row, 'failed', outcome);
    if (answers.pending === 0) return this.settle(row, 'succeeded', outcome);
    await this.rows.noteProgress(row.environmentId, row.deployment, outcome);
    throw new AnswersPending(environmentName, answers.pending);
  }

  /** The end of a deployment is an event in the environment's stream, and its row says the same. */
  private async settle(row: DeploymentRow, state: Final, result: DeploymentOutcome): Promise<void> {
    const { environmentId, deployment, proxyId, revision } = row;
    const context = ownContext(`deployment-${environmentId}-${deployment}`);
    await this.units.run(context, async (unit) => {
      const updated = await unit.transaction.query(
        `update deployments set state = $3, result = $4, settled_at = $5
         where environment_id = $1 and deployment = $2 and state = 'pending'`,
        [environmentId, deployment, state, JSON.stringify(result), unit.now],
      );
      if (updated.rowCount === 0) return;
      const event = settledEvent(state, result, { environmentId, deployment, proxyId, revision });
      await unit.append(environmentDeploymentsStream(environmentId), 'any', [event]);
    });
    this.settled.announce(environmentId, deployment);
  }
}

const nothingPublished = (message: string): DeploymentOutcome => ({
  message,
  gateways: { live: 0, applied: 0, rejected: 0, pending: 0 },
  detailList: [],
});
