import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** Sends a batch somewhere; undefined: all of it arrived, otherwise a code that says why not. Never rejects. */
export type SendSpans = (spans: readonly ReadableSpan[]) => Promise<string | undefined>;

export interface SpanQueueEvents {
  readonly onSent: (spans: number) => void;
  /** `full`: there was no room for them; otherwise why they did not arrive. */
  readonly onLost: (spans: number, why: string) => void;
}

export const SPAN_QUEUE_LIMITS = {
  /** Spans that wait at most; beyond, they are lost rather than memory. */
  waiting: 8_192,
  batch: 512,
  /** How long a span waits for others to leave with. */
  gatheredMs: 1_000,
} as const;

/** Spans on their way to a collector: one batch at a time, in order, and never more waiting than there is room for. */
export class SpanQueue {
  private waiting: ReadableSpan[] = [];
  private gathering: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;

  constructor(
    private readonly send: SendSpans,
    private readonly events: SpanQueueEvents,
  ) {}

  add(spans: readonly ReadableSpan[]): void {
    const room = SPAN_QUEUE_LIMITS.waiting - this.waiting.length;
    if (spans.length > room) return this.events.onLost(spans.length, 'full');
    this.waiting.push(...spans);
    if (this.waiting.length >= SPAN_QUEUE_LIMITS.batch) this.start();
    else this.gathering ??= setTimeout(() => this.start(), SPAN_QUEUE_LIMITS.gatheredMs).unref();
  }

  /** Sends what waits, as far as it leaves within the time. */
  async flush(timeoutMs: number): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      late = setTimeout(resolve, timeoutMs);
    });
    this.start();
    await Promise.race([this.sending, deadline]);
    clearTimeout(late);
  }

  /** The last flush: what did not leave is lost. */
  async close(timeoutMs: number): Promise<void> {
    await this.flush(timeoutMs);
    if (this.waiting.length > 0) this.events.onLost(this.waiting.length, 'stopped');
    this.waiting = [];
  }

  private start(): void {
    clearTimeout(this.gathering);
    this.gathering = undefined;
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
    });
  }

  private async sendAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, SPAN_QUEUE_LIMITS.batch);
      const why = await this.send(batch);
      if (why === undefined) this.events.onSent(batch.length);
      else this.events.onLost(batch.length, why);
    }
  }
}
