import { ATTEMPT_LASTS_MS } from './attempt-standing.ts';

const PAUSE_MS = { first: 25, longest: 200, growth: 1.5 } as const;
/** For one gateway that died, and for the one that took its place. */
const AT_MOST_MS = 2 * ATTEMPT_LASTS_MS;

export interface AttemptWaitOptions {
  readonly pause: (ms: number) => Promise<void>;
  /** Milliseconds of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

/** The patience of one wish with the attempts of other gateways, and with the shelf that tells of them. */
export class AttemptWait {
  readonly #sinceMs: number;
  #forThisSinceMs: number;
  #attempt: string | undefined;
  #pauseMs: number | undefined;

  constructor(private readonly options: AttemptWaitOptions) {
    this.#sinceMs = options.steadyMs();
    this.#forThisSinceMs = this.#sinceMs;
  }

  get hasWaited(): boolean {
    return this.#pauseMs !== undefined;
  }

  /** Whether everything that may be waited was. */
  get isOver(): boolean {
    return this.options.steadyMs() - this.#sinceMs >= AT_MOST_MS;
  }

  /** Whether this attempt was waited for as long as one lasts. */
  isOverFor(attempt: string | undefined): boolean {
    const now = this.options.steadyMs();
    if (attempt !== this.#attempt) this.#forThisSinceMs = now;
    this.#attempt = attempt;
    return now - this.#forThisSinceMs >= ATTEMPT_LASTS_MS;
  }

  async aLittle(): Promise<void> {
    const ms =
      this.#pauseMs === undefined ? PAUSE_MS.first : Math.min(this.#pauseMs * PAUSE_MS.growth, PAUSE_MS.longest);
    this.#pauseMs = ms;
    await this.options.pause(ms);
  }
}
