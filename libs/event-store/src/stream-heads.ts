import { type StreamHead } from './stream-load.ts';

/** Streams remembered, some 200 bytes each. */
const LARGEST_MEMORY = 5_000;

/**
 * Where streams ended when this process last appended to them, so that an append that does not load its stream need not
 * ask first. Only ever guesses: another process may have appended since, a transaction may have been rolled back, and the
 * database refuses an append that was made for another head than the stream has.
 */
export class StreamHeads {
  private readonly heads = new Map<string, StreamHead>();

  constructor(private readonly largestMemory = LARGEST_MEMORY) {}

  get(streamId: string): StreamHead | undefined {
    return this.heads.get(streamId);
  }

  /** The stream that was not appended to for the longest is forgotten first. */
  remember(streamId: string, head: StreamHead): void {
    this.heads.delete(streamId);
    this.heads.set(streamId, head);
    const [oldest] = this.heads.keys();
    if (this.heads.size > this.largestMemory && oldest !== undefined) this.heads.delete(oldest);
  }
}
