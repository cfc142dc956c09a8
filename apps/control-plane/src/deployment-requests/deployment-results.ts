import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { CONTROL_PLANE_CONFIG, DATABASE } from '../injection-tokens.ts';
import type { ControlPlaneConfig } from '../config/control-plane.config.ts';
import type { AwaitedDeployment, RequestedDeployment, WaitingDeployment } from './deployment-requests.ts';
import { DeploymentRows, type DeploymentOutcome, type DeploymentRow } from './deployment-rows.ts';
import { DeploymentRelay } from './deployment-relay.ts';
import { DeploymentSettled } from './deployment-settled.ts';
import { rolloutEnvironment, type RolloutEnvironment } from './rollout-rows.ts';

/** One environment's part of `deploymentResult` (contract 4.1). */
export interface EnvironmentDeploymentResult extends Partial<DeploymentOutcome> {
  readonly environmentName: string;
  readonly success: boolean;
  readonly message: string;
  /** null: its wave has not begun. */
  readonly deployment: number | null;
  readonly revision: number;
  /** What `GET /apiops/deployments/{id}/` takes; null while there is no number. */
  readonly deploymentId?: string | null;
  /** From 1; only in waves. */
  readonly wave?: number;
}

export interface DeploymentResult {
  /** Of a deployment in waves: what `GET /apiops/deployments/{id}/` takes. */
  readonly id?: string;
  readonly success: boolean;
  readonly deploymentResults: readonly EnvironmentDeploymentResult[];
}

/** How long a request waits, and whether its deployments have jobs. */
interface Patience {
  /** By `performance.now()`. */
  untilMs: number;
  isQueued: boolean;
  /** Whether a superseded deployment is followed to the one that took its place. */
  readonly isFollowing: boolean;
}

/** The row that says what became of a deployment. */
interface Outcome {
  readonly row: DeploymentRow | undefined;
  /** The deployment itself, where `row` is of the one that took its place; else undefined. */
  readonly superseded: DeploymentRow | undefined;
}

/** Rows are looked at this often when nobody in this process announces the end. */
const LOOK_EVERY_MS = 100;
const NO_GATEWAYS = { live: 0, applied: 0, rejected: 0, pending: 0 };

/** Names one deployment; names of environments have no colon. */
const deploymentIdOf = (environmentName: string, deployment: number): string => `${environmentName}:${deployment}`;

/** What is said of an environment that its wave has not reached. */
function waitingResult(
  { environmentName, revision, wave }: Pick<WaitingDeployment, 'environmentName' | 'revision' | 'wave'>,
  environment: Pick<RolloutEnvironment, 'state' | 'message'> | undefined,
): EnvironmentDeploymentResult {
  const message =
    environment === undefined || environment.state === 'waiting'
      ? `Deployment pending: it waits in wave ${wave} for the environments of wave ${wave - 1}; it goes on by itself`
      : `Not deployed: ${environment.message ?? environment.state}`;
  const nothing = { deployment: null, deploymentId: null, gateways: NO_GATEWAYS, detailList: [], warnings: [] };
  return { environmentName, success: false, message, ...nothing, revision, wave };
}

function pendingMessage({ message }: Pick<DeploymentOutcome, 'message'>, { isQueued }: Patience): string {
  const notYet = isQueued ? 'not deployed yet' : 'the queue of deployments cannot be reached';
  const why = message === '' ? notYet : message;
  return `Deployment pending: ${why}; the change is recorded and it goes on by itself`;
}

const titleOf = (row: DeploymentRow | undefined): string =>
  row === undefined ? 'another one' : `deployment ${row.deployment} (${row.kind} of revision ${row.revision})`;

/** Waits for deployments and says what really happened to them. */
@Injectable()
export class DeploymentResults {
  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    private readonly rows: DeploymentRows,
    private readonly relay: DeploymentRelay,
    private readonly settled: DeploymentSettled,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  /** Never fails because a deployment does: the change is recorded, and what is pending goes on by itself. */
  async of(requested: readonly AwaitedDeployment[]): Promise<DeploymentResult> {
    const patience: Patience = {
      untilMs: performance.now() + this.config.deployTimeoutMs,
      isQueued: true,
      isFollowing: true,
    };
    const begun = requested.flatMap((one) => (one.deployment === null ? [] : [one]));
    // Not waited for: the queue may not answer.
    if (begun.length > 0) {
      void this.relay.carry(begun).then((isQueued) => {
        if (!isQueued) Object.assign(patience, { untilMs: 0, isQueued });
      });
    }
    const deploymentResults = await Promise.all(requested.map((one) => this.awaited(one, patience)));
    const rolloutId = requested.find((one) => one.deployment === null)?.rolloutId;
    return {
      ...(rolloutId === undefined ? {} : { id: rolloutId }),
      success: deploymentResults.every((result) => result.success),
      deploymentResults,
    };
  }

  /** The same without waiting; what is said of a deployment that has ended stays the same for ever. */
  async asOfNow(requested: readonly AwaitedDeployment[]): Promise<DeploymentResult> {
    const now: Patience = { untilMs: 0, isQueued: true, isFollowing: false };
    const deploymentResults = await Promise.all(requested.map((one) => this.awaited(one, now)));
    return { success: deploymentResults.every((result) => result.success), deploymentResults };
  }

  private awaited(requested: AwaitedDeployment, patience: Patience): Promise<EnvironmentDeploymentResult> {
    return requested.deployment === null ? this.inTurn(requested, patience) : this.resultOf(requested, patience);
  }

  /** Waits for its wave, then for the deployment. */
  private async inTurn(waiting: WaitingDeployment, patience: Patience): Promise<EnvironmentDeploymentResult> {
    const { rolloutId, wave, ...target } = waiting;
    for (;;) {
      const leftMs = patience.untilMs - performance.now();
      const environment = await rolloutEnvironment(this.database, rolloutId, target.environmentId);
      const { state = 'waiting', deployment = null } = environment ?? {};
      if (deployment !== null) return { ...(await this.resultOf({ ...target, deployment }, patience)), wave };
      if (state !== 'waiting' || leftMs <= 0) return waitingResult(waiting, environment);
      await pause(Math.min(LOOK_EVERY_MS, leftMs));
    }
  }

  private async resultOf(requested: RequestedDeployment, patience: Patience): Promise<EnvironmentDeploymentResult> {
    const { row, superseded } = await this.waitFor(requested, patience);
    const { environmentName, deployment, revision } = requested;
    const { hash: _hash, ...outcome } = row?.result ?? { message: '', gateways: NO_GATEWAYS, detailList: [] };
    const message = row === undefined || row.state === 'pending' ? pendingMessage(outcome, patience) : outcome.message;
    return {
      environmentName,
      // What was undeployed since is not deployed, however well that went.
      success: row?.state === 'succeeded' && (superseded ?? row).kind === row.kind,
      ...outcome,
      warnings: outcome.warnings ?? [],
      message: superseded === undefined ? message : `Superseded by ${titleOf(row)}: ${message}`,
      deployment,
      revision,
      deploymentId: deploymentIdOf(environmentName, deployment),
    };
  }

  /** The row once it is final; a superseded one is followed to the one that took its place. */
  private async waitFor({ environmentId, deployment }: RequestedDeployment, patience: Patience): Promise<Outcome> {
    let followed = deployment;
    let superseded: DeploymentRow | undefined;
    for (;;) {
      const leftMs = patience.untilMs - performance.now();
      const end = this.settled.next(environmentId, followed, Math.min(LOOK_EVERY_MS, leftMs));
      const row = await this.rows.find(environmentId, followed);
      if (row?.state === 'superseded' && patience.isFollowing) {
        const newest = await this.rows.newestOf(environmentId, row.proxyId);
        if (newest !== undefined && newest.deployment > followed) {
          superseded ??= row;
          followed = newest.deployment;
          continue;
        }
      }
      if (row === undefined || row.state !== 'pending' || leftMs <= 0) return { row, superseded };
      await end;
    }
  }
}
