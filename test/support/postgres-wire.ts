import { type Asked, type Wire } from './fault-proxy.ts';
import { type Step } from './fault-point.ts';

/** Length of the head of a message: its type and its length, which counts itself but not the type. */
const HEAD_BYTES = 5;
const READY_FOR_QUERY = 'Z';

/**
 * PostgreSQL's protocol 3, as far as needed: a statement is a simple query, or everything up to a Sync. In a transaction
 * its name is the way there, so that the COMMIT of one kind of change is not that of another. Parameters are no part of it.
 */
export class PostgresWire implements Wire {
  private unread: Buffer = Buffer.alloc(0);
  private unanswered: Buffer = Buffer.alloc(0);
  private hasStarted = false;
  private readonly prepared = new Map<string, string>();
  private transaction: string[] = [];
  /** Of the statement whose Sync has not come yet. */
  private parts: Buffer[] = [];
  private text = '';

  asked(bytes: Buffer): Asked[] {
    this.unread = Buffer.concat([this.unread, bytes]);
    const asked: Asked[] = [];
    for (let message = this.nextMessage(); message !== undefined; message = this.nextMessage()) {
      asked.push(...this.read(message));
    }
    return asked;
  }

  answersIn(bytes: Buffer): number {
    this.unanswered = Buffer.concat([this.unanswered, bytes]);
    let [count, at] = [0, 0];
    while (this.unanswered.length >= at + HEAD_BYTES) {
      const end = at + 1 + this.unanswered.readInt32BE(at + 1);
      if (this.unanswered.length < end) break;
      if (this.unanswered.toString('latin1', at, at + 1) === READY_FOR_QUERY) count += 1;
      at = end;
    }
    this.unanswered = this.unanswered.subarray(at);
    return count;
  }

  /** The first message of a connection has no type. */
  private nextMessage(): Buffer | undefined {
    const typeBytes = this.hasStarted ? 1 : 0;
    if (this.unread.length < typeBytes + 4) return undefined;
    const length = typeBytes + this.unread.readInt32BE(typeBytes);
    if (this.unread.length < length) return undefined;
    const message = this.unread.subarray(0, length);
    this.unread = this.unread.subarray(length);
    return message;
  }

  private read(message: Buffer): Asked[] {
    if (!this.hasStarted) {
      this.hasStarted = true;
      return [{ bytes: message, answers: 1, step: undefined }];
    }
    const type = message.toString('latin1', 0, 1);
    const [first = '', second = ''] = message.toString('utf8', HEAD_BYTES).split('\0', 2);
    // Passwords, and the end of the connection.
    if (type === 'p' || type === 'X') return [{ bytes: message, answers: 0, step: undefined }];
    this.parts.push(message);
    if (type === 'P') this.prepared.set(first, second);
    if (type === 'B') this.text = this.prepared.get(second) ?? '';
    if (type === 'Q') this.text = first;
    return type === 'Q' || type === 'S' ? [this.statement()] : [];
  }

  private statement(): Asked {
    const bytes = Buffer.concat(this.parts);
    const step = this.stepOf(this.text.trim().replace(/\s+/g, ' '));
    this.parts = [];
    return { bytes, answers: 1, step };
  }

  private stepOf(text: string): Step {
    const isEnd = /(^|; ?)(COMMIT|ROLLBACK)$/i.test(text);
    const isAlone = this.transaction.length === 0 && (isEnd || !/^BEGIN/i.test(text));
    const name = ['SQL', ...this.transaction, text].join('\n  ');
    if (!isAlone) this.transaction = isEnd ? [] : [...this.transaction, text];
    return { name, isKept: isEnd || (isAlone && !/^select\b/i.test(text)) };
  }
}
