import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const LOOK_AGAIN_MS = 400;
const CHUNK_BYTES = 64 * 1024;

/** What a person should see of a log line: errors, and what is no JSON at all (a crash); null for the rest. */
export function toErrorLine(line: string): string | null {
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } } | null;
    if (entry?.level !== 'error' && entry?.level !== 'fatal') return null;
    const message = typeof entry.msg === 'string' ? entry.msg : '';
    const reason = typeof entry.err?.message === 'string' ? entry.err.message : '';
    return [message, reason].filter((part, index, all) => part !== '' && all.indexOf(part) === index).join(': ');
  } catch {
    return /^\S/.test(line) ? line : null;
  }
}

/** Follows a log file that a child writes by itself and reports its errors; the same one again and again only once. */
export class ErrorLines {
  private offsetBytes: number;
  private rest = '';
  private lastShown = '';
  private readonly decoder = new StringDecoder('utf8');
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly file: string,
    private readonly report: (line: string) => void,
  ) {
    this.offsetBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    this.timer = setInterval(() => this.look(), LOOK_AGAIN_MS).unref();
  }

  /** Reports what has been written since the last look. */
  look(): void {
    const sizeBytes = statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
    if (sizeBytes < this.offsetBytes) this.offsetBytes = 0;
    while (this.offsetBytes < sizeBytes && this.readOn()) continue;
  }

  stop(): void {
    clearInterval(this.timer);
    this.look();
  }

  private readOn(): boolean {
    const reader = openSync(this.file, 'r');
    try {
      const buffer = Buffer.alloc(CHUNK_BYTES);
      const count = readSync(reader, buffer, 0, CHUNK_BYTES, this.offsetBytes);
      this.offsetBytes += count;
      const lines = (this.rest + this.decoder.write(buffer.subarray(0, count))).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) this.show(line);
      return count > 0;
    } finally {
      closeSync(reader);
    }
  }

  private show(line: string): void {
    const shown = toErrorLine(line);
    if (shown === null || shown === this.lastShown) return;
    this.lastShown = shown;
    this.report(shown);
  }
}
