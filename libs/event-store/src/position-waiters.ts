import { comparePositions, type GlobalPosition } from './global-position.ts';

interface Waiter {
  readonly position: GlobalPosition;
  readonly settle: (isReached: boolean) => void;
}

/** Those who wait until a position is reached. */
export class PositionWaiters {
  private readonly waiters = new Set<Waiter>();

  get isEmpty(): boolean {
    return this.waiters.size === 0;
  }

  /** True once the position is reached; false when `timeoutMs` pass before that. */
  wait(position: GlobalPosition, timeoutMs: number): Promise<boolean> {
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => waiter.settle(false), timeoutMs);
      const waiter: Waiter = {
        position,
        settle: (isReached) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          resolve(isReached);
        },
      };
      this.waiters.add(waiter);
    });
  }

  reached(position: GlobalPosition): void {
    for (const waiter of this.waiters) {
      if (comparePositions(position, waiter.position) >= 0) waiter.settle(true);
    }
  }
}
