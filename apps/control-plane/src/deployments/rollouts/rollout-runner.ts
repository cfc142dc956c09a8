import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type pg from 'pg';
import { errorFacts, FailingWork, type Logger } from '#libs/program-shell';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { DomainError } from '../../decider/domain-error.ts';
import { DeploymentRelay } from '../../deployment-requests/deployment-relay.ts';
import { DeploymentSettled } from '../../deployment-requests/deployment-settled.ts';
import { RepeatedLook } from '../../deployment-requests/repeated-look.ts';
import { CONTROL_PLANE_CONFIG, DATABASE, LOGGER } from '../../injection-tokens.ts';
import { RolloutSteps } from './rollout-steps.ts';
import { judge, runningRollouts, type RunningRollout } from './running-rollout.ts';

const LOOK_EVERY_MS = 500;

/**
 * Begins the next wave of a rollout when the one before it is acknowledged, or cancels what is left, also when the process
 * that began the rollout has died between two waves.
 */
@Injectable()
export class RolloutRunner implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly looking: RepeatedLook;
  private readonly reading: FailingWork;

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly steps: RolloutSteps,
    settled: DeploymentSettled,
    private readonly relay: DeploymentRelay,
  ) {
    this.reading = new FailingWork(logger, { fails: 'rollouts wait', works: 'rollouts go on' });
    this.looking = new RepeatedLook(LOOK_EVERY_MS, settled, () => this.lookOnce());
  }

  onApplicationBootstrap(): void {
    if (this.config.roles.has('deployer')) this.looking.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.looking.stop();
  }

  look(): Promise<void> {
    return this.looking.now();
  }

  private async lookOnce(): Promise<boolean> {
    try {
      const rollouts = await runningRollouts(this.database);
      this.reading.worked();
      for (const rollout of rollouts) {
        if (this.looking.isStopped) break;
        await this.decide(rollout).catch((error: unknown) => this.noteFailure(rollout, error));
      }
    } catch (error) {
      this.reading.failed(error);
    }
    return false;
  }

  /** It is decided again at the next look; the others are not held up by it. */
  private noteFailure({ rolloutId }: RunningRollout, error: unknown): void {
    this.logger.warn({ rolloutId, ...errorFacts(error) }, 'a rollout waits');
  }

  private async decide(rollout: RunningRollout): Promise<void> {
    // Looked at without a lock first: nearly always there is nothing to do.
    if ((await judge(this.database, rollout)).verdict === 'wait') return;
    const { rolloutId } = rollout;
    try {
      await this.steps.take(rolloutId);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      // The wave cannot begin: a route that is not its own any more, a proxy that is gone.
      this.logger.warn({ rolloutId, reason: error.message }, 'a rollout stops: its next wave cannot begin');
      await this.steps.stop(rolloutId, error.message);
    }
    void this.relay.flush();
  }
}
