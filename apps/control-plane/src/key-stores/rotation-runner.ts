import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type pg from 'pg';
import { errorFacts, FailingWork, type Logger } from '#libs/program-shell';
import type { ControlPlaneConfig } from '../config/control-plane.config.ts';
import { DeploymentRelay } from '../deployment-requests/deployment-relay.ts';
import { DeploymentSettled } from '../deployment-requests/deployment-settled.ts';
import { RepeatedLook } from '../deployment-requests/repeated-look.ts';
import { CONTROL_PLANE_CONFIG, DATABASE, LOGGER } from '../injection-tokens.ts';
import { storesToLookAt } from './rotation-rows.ts';
import { RotationSteps } from './rotation-steps.ts';

const LOOK_EVERY_MS = 1_000;

/** Takes the steps of rotations when they are due, also those of a rotation whose process has died between two steps. */
@Injectable()
export class RotationRunner implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly looking: RepeatedLook;
  private readonly reading: FailingWork;
  /** What was said last of a rotation that cannot go on, by key store: it is not said every second. */
  private readonly said = new Map<string, string>();

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly steps: RotationSteps,
    settled: DeploymentSettled,
    private readonly relay: DeploymentRelay,
  ) {
    this.reading = new FailingWork(logger, { fails: 'rotations of keys wait', works: 'rotations of keys go on' });
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

  /** @returns whether any rotation went a step on: its next one may be due already */
  private async lookOnce(): Promise<boolean> {
    let isAnyFurther = false;
    try {
      const keyStoreIds = await storesToLookAt(this.database, new Date().toISOString());
      this.reading.worked();
      for (const keyStoreId of keyStoreIds) {
        if (this.looking.isStopped) break;
        isAnyFurther = (await this.triedToGoOn(keyStoreId)) || isAnyFurther;
      }
    } catch (error) {
      this.reading.failed(error);
      return false;
    }
    return isAnyFurther;
  }

  private async triedToGoOn(keyStoreId: string): Promise<boolean> {
    try {
      return await this.goOn(keyStoreId);
    } catch (error) {
      this.noteFailure(keyStoreId, error);
      return false;
    }
  }

  private async goOn(keyStoreId: string): Promise<boolean> {
    // Looked at without a lock first: nearly always there is nothing to do.
    if (!(await this.steps.isDue(keyStoreId))) return false;
    const step = await this.steps.take(keyStoreId);
    if (step === undefined) return false;
    this.said.delete(keyStoreId);
    this.logger.info({ keyStoreId, step }, 'a rotation of keys goes on');
    void this.relay.flush();
    return true;
  }

  /** It is decided again at the next look; the others are not held up by it. */
  private noteFailure(keyStoreId: string, error: unknown): void {
    const facts = errorFacts(error);
    if (this.said.get(keyStoreId) === facts.reason) return;
    this.said.set(keyStoreId, facts.reason);
    this.logger.warn({ keyStoreId, ...facts }, 'a rotation of keys waits');
  }
}
