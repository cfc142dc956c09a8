import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { overtakenBy } from '../../deployment-requests/deployment-outcomes.ts';
import type { DeploymentRow, DeploymentRows } from '../../deployment-requests/deployment-rows.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import type { AnswerCount } from '../channel/answer-tally.ts';
import type { InPlace } from '../channel/known-position.ts';
import type { DeploymentEnds } from './deployment-ends.ts';
import { AnswersPending } from './failed-attempt.ts';
import { outcomeOfAnswers } from './outcome-message.ts';
import { WaitingDeployments, type WaitingDeployment } from './waiting-deployments.ts';

/** The part of the time a request waits that is spent on collecting answers, so that the answer has the counts. */
const SHARE_OF_WAIT = 0.8;
/** What has not been answered by then is published once more, should it have been lost. */
const ASKED_AGAIN_AFTER_MS = 60_000;

/** Waits for the gateways' answers to what was published and ends the deployment by them. */
export class AnswerCollection {
  private readonly waiting: WaitingDeployments;

  constructor(
    private readonly config: ControlPlaneConfig,
    private readonly rows: DeploymentRows,
    private readonly ends: DeploymentEnds,
  ) {
    this.waiting = new WaitingDeployments(rows);
  }

  /** A deployment begins to be carried out: earlier ones of its proxy are not waited for any longer. */
  begins(row: DeploymentRow): void {
    this.waiting.begins(row);
  }

  /** @throws AnswersPending, ChannelUnavailable */
  collect(row: DeploymentRow, environment: EnvironmentChannel, published: InPlace): Promise<void> {
    return this.waiting.during(row, async (waiting) => {
      const { proxyId, kind, deployment } = row;
      const question = { proxyId, kind, deployment, position: published.position };
      const ask = (withinMs: number) => environment.answers.collect(question, withinMs, waiting.signal);
      // Not of what was compiled just now: a job that runs again may find other keys, and gateways have the first bytes.
      const hash = published.change.kind === 'artifact' ? published.change.hash : undefined;
      const publishedAtMs = performance.now();
      // It is noted before the deployment may be called ended; the gateways need not wait for that.
      const [early] = await Promise.all([
        ask(this.config.deployTimeoutMs * SHARE_OF_WAIT),
        environment.notePublished(published),
      ]);
      if (await this.conclude(row, { answers: early, hash, waiting })) return;
      const askedAgainMs = performance.now() - publishedAtMs;
      const answers = waiting.signal.aborted
        ? early
        : sincePublished(early, await ask(ASKED_AGAIN_AFTER_MS), askedAgainMs);
      if (await this.conclude(row, { answers, hash, waiting })) return;
      throw new AnswersPending(environment.name, answers.pending);
    });
  }

  /** Whether it has ended. */
  private async conclude(
    row: DeploymentRow,
    { answers, hash, waiting }: { answers: AnswerCount; hash: string | undefined; waiting: WaitingDeployment },
  ): Promise<boolean> {
    const outcome = outcomeOfAnswers(row.kind, answers, hash);
    if (waiting.overtakenBy !== undefined) {
      await this.ends.settle(row, 'superseded', { ...outcome, message: overtakenBy(waiting.overtakenBy) });
      return true;
    }
    // Who was told to make room may not have heard anybody: nothing follows from that.
    if (waiting.signal.aborted) return false;
    if (answers.rejected === 0 && answers.pending > 0) {
      await this.rows.noteProgress(row.environmentId, row.deployment, outcome);
      return false;
    }
    await this.ends.settle(row, answers.rejected > 0 ? 'failed' : 'succeeded', outcome);
    return true;
  }
}

/** What was heard when it was asked for the second time, with times that begin at the first. */
function sincePublished(early: AnswerCount, late: AnswerCount, askedAgainMs: number): AnswerCount {
  const known = new Map(early.details.map(({ gatewayId, responseTimeMs }) => [gatewayId, responseTimeMs]));
  const details = late.details.map((one) => {
    if (one.responseTimeMs === undefined) return one;
    return { ...one, responseTimeMs: known.get(one.gatewayId) ?? Math.round(askedAgainMs + one.responseTimeMs) };
  });
  return { ...late, details };
}
