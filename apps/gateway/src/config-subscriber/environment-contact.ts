/**
 * When this gateway and the Redis of its environment last agreed. What a policy may believe of revoked tokens hangs on
 * it; asking costs nothing. A Redis that hangs with its connection open counts as lost when a look at it has run out of
 * time, after three seconds at most.
 */
export class EnvironmentContact {
  private isInContact = false;
  private madeAtMs: number | undefined;
  private lossCount = 0;

  /** @param nowMs monotonic: a clock that was set back must not make old knowledge young */
  constructor(private readonly nowMs: () => number) {}

  /** False from the moment that the connection is lost. */
  get isLive(): boolean {
    return this.isInContact;
  }

  get ageMs(): number {
    return this.madeAtMs === undefined ? Infinity : this.nowMs() - this.madeAtMs;
  }

  /**
   * A look at Redis begins. Gives what to call when everything was read: what was read is as old as the look, and a
   * connection that was lost meanwhile stays lost until the next one.
   */
  looking(): () => void {
    const { lossCount } = this;
    const beganAtMs = this.nowMs();
    return () => {
      this.madeAtMs = beganAtMs;
      this.isInContact = lossCount === this.lossCount;
    };
  }

  /** The connection is gone, or this gateway is not admitted any more. */
  lost(): void {
    this.isInContact = false;
    this.lossCount += 1;
  }
}
