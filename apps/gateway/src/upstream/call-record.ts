import type { UpstreamFailure } from './upstream-failure.ts';

/** What is known of a forwarded request afterwards. Times are those of `performance.now()`, in milliseconds. */
export interface UpstreamFacts {
  /** How often it was sent, or tried to be; 0: there was no address for it. */
  readonly attempts: number;
  /** Scheme, host and port of the last of them; `''` before the first. */
  readonly origin: string;
  readonly sentAt: number;
  /** The last byte of the answer's head; undefined when none came. */
  readonly headAt: number | undefined;
  /** The last byte of the answer, or its failure; undefined when it was given up before. */
  readonly endedAt: number | undefined;
  /** Of the answer; undefined when no head came. */
  readonly status: number | undefined;
  /** Of the answer's body. */
  readonly receivedBytes: number;
  readonly failure: UpstreamFailure['kind'] | undefined;
}

/** Notes what becomes of one forwarded request; read when its exchange is over. */
export class CallRecord implements UpstreamFacts {
  attempts = 0;
  origin = '';
  headAt: number | undefined = undefined;
  endedAt: number | undefined = undefined;
  status: number | undefined = undefined;
  receivedBytes = 0;
  failure: UpstreamFailure['kind'] | undefined = undefined;

  constructor(readonly sentAt: number) {}

  /** Another attempt, at this address. */
  attempted(origin: string): void {
    this.attempts += 1;
    this.origin = origin;
  }

  answered(status: number): void {
    this.status = status;
    this.headAt = performance.now();
  }

  received(bytes: number): void {
    this.receivedBytes += bytes;
  }

  ended(): void {
    this.endedAt = performance.now();
  }

  failed(kind: UpstreamFailure['kind']): void {
    this.failure = kind;
    this.endedAt = performance.now();
  }
}
