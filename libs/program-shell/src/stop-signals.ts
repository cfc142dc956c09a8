/** A terminal sends Ctrl-C to npm and to us, and npm passes its own on: within this time it is the same key. */
const SAME_KEY_MS = 700;

export interface StopSignals {
  /** Ends the program well; asked for once. */
  readonly stop: (signal: NodeJS.Signals) => void;
  /** Asked again later: somebody is in a hurry. */
  readonly hurry: () => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
}

/** What to do when a stop signal comes, whichever and however often. */
export function stopSignalHandler({ stop, hurry, nowMs }: StopSignals): (signal: NodeJS.Signals) => void {
  let firstAtMs: number | undefined;
  return (signal) => {
    if (firstAtMs === undefined) {
      firstAtMs = nowMs();
      stop(signal);
    } else if (nowMs() - firstAtMs >= SAME_KEY_MS) hurry();
  };
}
