import type { RebuildProgress } from '#libs/event-store';

/** How often a long rebuild says how far it is, in milliseconds. */
const SAYS_EVERY_MS = 1_000;

export interface RebuildReport {
  readonly progress: (progress: RebuildProgress) => void;
  /** The line for the end. */
  done(): string;
}

/** What a person is told of a rebuild. @param now milliseconds that only rise */
export function rebuildReport(
  name: string,
  say: (line: string) => void,
  now: () => number = () => performance.now(),
): RebuildReport {
  const begunAt = now();
  let saidAt = begunAt;
  let eventsDone = 0;
  const rate = () => {
    const seconds = (now() - begunAt) / 1_000;
    return `${Math.round(eventsDone / Math.max(seconds, 0.001))} events/s`;
  };
  return {
    progress: (progress) => {
      eventsDone = progress.eventsDone;
      if (now() - saidAt < SAYS_EVERY_MS) return;
      saidAt = now();
      say(`${name}: ${eventsDone} of ${Math.max(eventsDone, progress.eventsTotal)} events, ${rate()}`);
    },
    done: () => `${name}: rebuilt from ${eventsDone} events, ${rate()}`,
  };
}
