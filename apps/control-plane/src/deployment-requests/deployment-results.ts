import { Inject, Injectable } from '@nestjs/common';
import { CONTROL_PLANE_CONFIG } from '../injection-tokens.ts';
import type { ControlPlaneConfig } from '../config/control-plane.config.ts';
import type { RequestedDeployment } from './deployment-requests.ts';
import { DeploymentRows, type DeploymentOutcome, type DeploymentRow } from './deployment-rows.ts';
import { DeploymentRelay } from './deployment-relay.ts';
import { DeploymentSettled } from './deployment-settled.ts';

/** One environment's part of `deploymentResult` (contract 4.1). */
export interface EnvironmentDeploymentResult extends Partial<DeploymentOutcome> {
  readonly environmentName: string;
  readonly success: boolean;
  readonly message: string;
  readonly deployment: number;
  readonly revision: number;
}

export interface DeploymentResult {
  readonly success: boolean;
  readonly deploymentResults: readonly EnvironmentDeploymentResult[];
}

/** How long a request waits, and whether its deployments have jobs. */
interface Patience {
  /** By `performance.now()`. */
  untilMs: number;
  isQueued: boolean;
}

/** Rows are looked at this often when nobody in this process announces the end. */
const LOOK_EVERY_MS = 100;
const NO_GATEWAYS = { live: 0, applied: 0, rejected: 0, pending: 0 };

/** Waits for deployments and says what really happened to them. */
@Injectable()
export class DeploymentResults {
  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    private readonly rows: DeploymentRows,
    private readonly relay: DeploymentRelay,
    private readonly settled: DeploymentSettled,
  ) {}

  /** Never fails because a deployment does: the change is recorded, and what is pending goes on by itself. */
  async of(requested: readonly RequestedDeployment[]): Promise<DeploymentResult> {
    const patience: Patience = { untilMs: performance.now() + this.config.deployTimeoutMs, isQueued: true };
    // Not waited for: it may be busy with many other wishes, or with a queue that does not answer.
    if (requested.length > 0) {
      void this.relay.flush().then((isQueued) => {
        if (!isQueued) Object.assign(patience, { untilMs: 0, isQueued });
      });
    }
    const deploymentResults = await Promise.all(requested.map((one) => this.resultOf(one, patience)));
    return { success: deploymentResults.every((result) => result.success), deploymentResults };
  }

  private async resultOf(requested: RequestedDeployment, patience: Patience): Promise<EnvironmentDeploymentResult> {
    const row = await this.waitFor(requested, patience);
    const { environmentName, deployment, revision } = requested;
    const { hash: _hash, ...outcome } = row?.result ?? { message: '', gateways: NO_GATEWAYS, detailList: [] };
    const isPending = row === undefined || row.state === 'pending';
    const notYet = patience.isQueued ? 'not deployed yet' : 'the queue of deployments cannot be reached';
    const pendingMessage = outcome.message === '' ? notYet : outcome.message;
    return {
      environmentName,
      success: row?.state === 'succeeded',
      ...outcome,
      message: isPending
        ? `Deployment pending: ${pendingMessage}; the change is recorded and it goes on by itself`
        : outcome.message,
      deployment,
      revision,
    };
  }

  /** The row once it is final; a superseded one is followed to the one that took its place. */
  private async waitFor(requested: RequestedDeployment, patience: Patience): Promise<DeploymentRow | undefined> {
    const { environmentId, proxyId } = requested;
    let { deployment } = requested;
    for (;;) {
      const leftMs = patience.untilMs - performance.now();
      const end = this.settled.next(environmentId, deployment, Math.min(LOOK_EVERY_MS, leftMs));
      const row = await this.rows.find(environmentId, deployment);
      if (row?.state === 'superseded') {
        const newest = await this.rows.newestOf(environmentId, proxyId);
        if (newest !== undefined && newest.deployment > deployment) {
          deployment = newest.deployment;
          continue;
        }
      }
      if (row === undefined || row.state !== 'pending' || leftMs <= 0) return row;
      await end;
    }
  }
}
