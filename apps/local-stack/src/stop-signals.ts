/**
 * npm passes a Ctrl-C on that the terminal has already sent to us: what follows so soon is the same key, not a second.
 */
const SAME_KEY_MS = 700;

export type StopRequest = 'first' | 'same-key' | 'again';

/** Tells a first request to stop from its echo and from a second one. */
export class StopRequests {
  private firstAtMs: number | undefined;

  note(nowMs: number): StopRequest {
    if (this.firstAtMs === undefined) {
      this.firstAtMs = nowMs;
      return 'first';
    }
    return nowMs - this.firstAtMs < SAME_KEY_MS ? 'same-key' : 'again';
  }
}
