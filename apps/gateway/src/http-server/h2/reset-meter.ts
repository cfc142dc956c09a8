/**
 * Requests a client may take back beyond those it waited for. Each costs an upstream connection (CVE-2023-44487); a
 * browser that leaves a page takes back what it has under way.
 */
const RESETS_FORGIVEN = 200;

/** Streams of events end by being taken back: a balancer's connection that carries nothing else lives on at this rate. */
const RESETS_FORGIVEN_PER_SECOND = 10;

/** Requests that a client took back, less those that were answered to their end and those that time forgives. */
export class ResetMeter {
  #resets = 0;

  answered(): void {
    this.#forgive(1);
  }

  /** To be called once a second. */
  secondPassed(): void {
    this.#forgive(RESETS_FORGIVEN_PER_SECOND);
  }

  /** @returns whether that is one too many */
  takenBack(): boolean {
    this.#resets += 1;
    return this.#resets > RESETS_FORGIVEN;
  }

  #forgive(count: number): void {
    this.#resets = Math.max(0, this.#resets - count);
  }
}
