import { AnswerTally, type AnswerCount } from './answer-tally.ts';
import type { Question } from './gateway-answer.ts';
import type { LeaseListener } from './lease-looks.ts';
import type { LeaseView } from './lease-view.ts';

interface OpenQuestionHooks {
  /** It waits no longer. */
  readonly onEnd: (ended: OpenQuestion) => void;
  readonly resolve: (count: AnswerCount) => void;
  readonly reject: (error: unknown) => void;
}

/** A question whose answers are waited for; it ends once. */
export class OpenQuestion implements LeaseListener {
  private readonly tally: AnswerTally;
  private readonly startedMs = performance.now();
  private hasLooked = false;
  private isOver = false;

  constructor(
    question: Question,
    private readonly view: LeaseView,
    private readonly hooks: OpenQuestionHooks,
  ) {
    this.tally = new AnswerTally(question);
  }

  looked(changed: ReadonlySet<string>): void {
    const gatewayIds = this.hasLooked ? changed : this.view.states().map(({ gatewayId }) => gatewayId);
    const sinceMs = performance.now() - this.startedMs;
    for (const id of gatewayIds) this.tally.hear(id, this.view.state(id), sinceMs);
    this.hasLooked = true;
    if (this.isOver || this.tally.pending === 0) this.conclude();
  }

  failed(error: unknown): void {
    this.hooks.onEnd(this);
    this.hooks.reject(error);
  }

  /** Nobody is waited for any longer; without a single look nothing is known, and it ends with the first one. */
  end(): void {
    this.isOver = true;
    if (this.hasLooked) this.conclude();
  }

  /** Ends now, whatever is known. */
  conclude(): void {
    this.hooks.onEnd(this);
    this.hooks.resolve(this.tally.count());
  }
}
