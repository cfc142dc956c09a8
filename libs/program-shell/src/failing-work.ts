import { errorFacts, type Logger } from './logger.ts';

/** So many causes of one failure are told; further ones are only counted. */
const CAUSES_TOLD = 5;

export interface FailingWorkTexts {
  readonly fails: string;
  readonly works: string;
  /** Of what fails; default `warn`. */
  readonly level?: 'warn' | 'error';
}

/**
 * Of work that is tried again and again: tells when it begins to fail, each other cause once, and that it works again. An
 * outage is a few lines then, however long it lasts.
 */
export class FailingWork {
  private readonly causes = new Set<string>();
  private failures = 0;

  /** @param facts stand in each line */
  constructor(
    private readonly logger: Logger,
    private readonly texts: FailingWorkTexts,
    private readonly facts: object = {},
  ) {}

  failed(error: unknown): void {
    this.failures += 1;
    const told = errorFacts(error);
    if (this.causes.has(told.reason) || this.causes.size >= CAUSES_TOLD) return;
    this.causes.add(told.reason);
    this.logger[this.texts.level ?? 'warn']({ ...this.facts, ...told }, this.texts.fails);
  }

  worked(): void {
    if (this.failures === 0) return;
    this.logger.info({ ...this.facts, failures: this.failures }, this.texts.works);
    this.failures = 0;
    this.causes.clear();
  }
}
