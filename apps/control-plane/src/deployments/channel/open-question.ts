import type { LeaseState } from '#libs/config-distribution';
import type { LeaseListener } from './lease-looks.ts';
import type { LeaseView } from './lease-view.ts';

/** Counts what gateways say in their leases about one question. */
export interface Tally<Count> {
  /** Gateways that are waited for. */
  readonly pending: number;
  /**
   * @param lease undefined: the gateway does not live (any more).
   * @param sinceMs since the question was asked.
   */
  hear(gatewayId: string, lease: LeaseState | undefined, sinceMs: number): void;
  count(): Count;
}

interface OpenQuestionHooks<Count> {
  /** It waits no longer. */
  readonly onEnd: (ended: OpenQuestion<Count>) => void;
  readonly resolve: (count: Count) => void;
  readonly reject: (error: unknown) => void;
}

/** A question whose answers are waited for; it ends once. */
export class OpenQuestion<Count> implements LeaseListener {
  private readonly startedMs = performance.now();
  private hasLooked = false;
  private isOver = false;

  constructor(
    private readonly tally: Tally<Count>,
    private readonly view: LeaseView,
    private readonly hooks: OpenQuestionHooks<Count>,
  ) {}

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
