/**
 * Where an event stands in the one order that all readers see. Opaque to callers: keep it, hand it back,
 * compare it with {@link comparePositions}; do not count with it (positions have gaps).
 */
export interface GlobalPosition {
  /** Rises when the store finds itself in a cluster whose transaction ids restarted, as after a logical restore. */
  readonly epoch: number;
  /** 64-bit transaction id, decimal: of the one that appended, or of a later one whose events were there by then. */
  readonly transactionId: string;
  /** 64-bit number within the log, decimal; orders the events that have the transaction id in common. */
  readonly sequence: string;
}

/** Before the first event. */
export const START: GlobalPosition = Object.freeze({ epoch: 0, transactionId: '0', sequence: '0' });

const compareDecimals = (a: string, b: string): number => {
  const difference = BigInt(a) - BigInt(b);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
};

/** Negative when `a` is before `b`, 0 when they are the same, positive when `a` is after `b`. */
export function comparePositions(a: GlobalPosition, b: GlobalPosition): number {
  return (
    a.epoch - b.epoch || compareDecimals(a.transactionId, b.transactionId) || compareDecimals(a.sequence, b.sequence)
  );
}
