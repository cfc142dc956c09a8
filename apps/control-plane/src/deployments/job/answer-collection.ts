import { isDeepStrictEqual } from 'node:util';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { overtakenBy } from '../../deployment-requests/deployment-outcomes.ts';
import type { DeploymentOutcome, DeploymentRow, DeploymentRows } from '../../deployment-requests/deployment-rows.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import type { AnswerCount } from '../channel/answer-tally.ts';
import type { InPlace } from '../channel/known-position.ts';
import type { DeploymentEnds } from './deployment-ends.ts';
import { RoomMade } from '../../deployment-requests/retry-pauses.ts';
import { AnswersPending } from './failed-attempt.ts';
import { outcomeOfAnswers } from './outcome-message.ts';
import { WaitingDeployments, type WaitingDeployment } from './waiting-deployments.ts';

/** The part of the time a request waits that is spent on collecting answers, so that the answer has the counts. */
const SHARE_OF_WAIT = 0.8;
/** What came in is noted this often after that: waves go on by it, and whoever follows the deployment sees it. */
const NOTED_EVERY_MS = 2_000;
/** What has not been answered by then is published once more, should it have been lost. */
const PUBLISHED_AGAIN_AFTER_MS = 60_000;

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

  /** @throws AnswersPending, RoomMade, ChannelUnavailable */
  collect(row: DeploymentRow, environment: EnvironmentChannel, published: InPlace): Promise<void> {
    return this.waiting.during(row, async (waiting) => {
      const { proxyId, kind, deployment } = row;
      const question = { proxyId, kind, deployment, position: published.position };
      const { answers } = environment;
      const ask = (withinMs: number) => answers.collect(question, withinMs, waiting.signal);
      // Not of what was compiled just now: a job that runs again may find other keys, and gateways have the first bytes.
      const hash = published.change.kind === 'artifact' ? published.change.hash : undefined;
      const publishedAtMs = performance.now();
      // It is noted before the deployment may be called ended; the gateways need not wait for that.
      let [heard] = await Promise.all([
        ask(this.config.deployTimeoutMs * SHARE_OF_WAIT),
        environment.notePublished(published),
      ]);
      let noted = row.result;
      for (;;) {
        const outcome = outcomeOfAnswers(kind, heard, hash);
        if (await this.isEnded(row, outcome, waiting)) return;
        // Who was told to make room may not have heard anybody: nothing follows from that.
        if (!waiting.signal.aborted) noted = await this.note(row, outcome, noted);
        const askedMs = performance.now() - publishedAtMs;
        const isOver = waiting.signal.aborted || answers.isHurried || askedMs > PUBLISHED_AGAIN_AFTER_MS;
        if (isOver) throw waiting.hasMadeRoom ? new RoomMade(environment.name) : new AnswersPending(environment.name);
        heard = sincePublished(heard, await ask(NOTED_EVERY_MS), askedMs);
      }
    });
  }

  private async isEnded(
    row: DeploymentRow,
    outcome: DeploymentOutcome,
    { overtakenBy: newer, signal }: WaitingDeployment,
  ): Promise<boolean> {
    const { rejected, pending } = outcome.gateways;
    if (newer !== undefined) await this.ends.settle(row, 'superseded', { ...outcome, message: overtakenBy(newer) });
    else if (signal.aborted || (rejected === 0 && pending > 0)) return false;
    else await this.ends.settle(row, rejected > 0 ? 'failed' : 'succeeded', outcome);
    return true;
  }

  /** Notes how far it is, where that is not what was noted last. */
  private async note(
    { environmentId, deployment }: DeploymentRow,
    outcome: DeploymentOutcome,
    noted: DeploymentOutcome | null,
  ): Promise<DeploymentOutcome> {
    if (!isDeepStrictEqual(outcome, noted)) await this.rows.noteProgress(environmentId, deployment, outcome);
    return outcome;
  }
}

/** What was heard when it was asked again, with times that begin at the publishing. */
function sincePublished(early: AnswerCount, late: AnswerCount, askedAgainMs: number): AnswerCount {
  const known = new Map(early.details.map(({ gatewayId, responseTimeMs }) => [gatewayId, responseTimeMs]));
  const details = late.details.map((one) => {
    if (one.responseTimeMs === undefined) return one;
    return { ...one, responseTimeMs: known.get(one.gatewayId) ?? Math.round(askedAgainMs + one.responseTimeMs) };
  });
  return { ...late, details };
}
