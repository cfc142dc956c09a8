import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Readable, type Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_EVERY_MS = 500;
/** Each of them asks the database again and again, beside those who change something. */
export const MOST_STREAMS = 100;
/** So that nobody in between takes a silent connection for a dead one. */
const HEARTBEAT_EVERY_MS = 15_000;

/** How far something is. */
interface Progress {
  /** Nothing of it changes any more. */
  readonly settled: boolean;
}

/** Undefined: the reader may not see it any more. */
type Look = () => Promise<Progress | undefined>;

/** Progress of something as server-sent events: one whenever something is new, until nothing can be any more. */
@Injectable()
export class ProgressStreams implements BeforeApplicationShutdown {
  private readonly open = new Set<AbortController>();

  /** How many are being read. */
  get count(): number {
    return this.open.size;
  }

  /** Whether one more would be too many for this process. */
  get isFull(): boolean {
    return this.count >= MOST_STREAMS;
  }

  /** A connection that stays open would hold up the end of the process. */
  beforeApplicationShutdown(): void {
    for (const stream of this.open) stream.abort();
  }

  /**
   * @param first what is known already; the rest is looked up until the reader leaves, or nothing is left.
   * @param reader closes when nobody reads any more. The stream itself cannot tell: it closes after its next event.
   */
  follow(first: Progress, look: Look, reader: Writable): Readable {
    const stop = new AbortController();
    this.open.add(stop);
    const stream = Readable.from(eventsOf(first, look, stop.signal), { objectMode: false });
    reader.once('close', () => stop.abort());
    if (reader.destroyed) stop.abort();
    stream.once('close', () => this.open.delete(stop));
    return stream;
  }
}

/** The blocks of an event stream (HTML standard, 9.2.5). */
async function* eventsOf(first: Progress, look: Look, signal: AbortSignal): AsyncGenerator<string> {
  let seen = '';
  let saidAtMs = performance.now();
  try {
    for (
      let progress: Progress | undefined = first;
      progress !== undefined && !signal.aborted;
      progress = await look()
    ) {
      const text = JSON.stringify(progress);
      const isNew = text !== seen;
      if (isNew || performance.now() - saidAtMs > HEARTBEAT_EVERY_MS) {
        saidAtMs = performance.now();
        yield isNew ? `event: ${progress.settled ? 'settled' : 'progress'}\ndata: ${text}\n\n` : ': heartbeat\n\n';
      }
      seen = text;
      if (progress.settled) return;
      await pause(LOOK_EVERY_MS, undefined, { signal });
    }
  } catch {
    // The reader left, the process ends, or the database is away: whoever still wants to know connects again.
  }
}
