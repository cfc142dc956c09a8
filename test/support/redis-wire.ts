import { type Asked, type Wire } from './fault-proxy.ts';
import { type Step } from './fault-point.ts';

/** Talk about the connection itself, or waiting for something to do. */
const NO_STEPS = new Set(
  [
    'HELLO',
    'AUTH',
    'SELECT',
    'CLIENT',
    'INFO',
    'PING',
    'QUIT',
    'COMMAND',
    'BZPOPMIN',
    'SUBSCRIBE',
    'PSUBSCRIBE',
  ].concat(['UNSUBSCRIBE', 'XREAD', 'CONFIG', 'SCRIPT']),
);
/** What differs from run to run: identifiers and numbers. */
const VARIABLE = /[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g;
const KEY_AT: Readonly<Record<string, number>> = { EVAL: 3, EVALSHA: 3 };

/** Redis' protocol 2 and 3, as far as needed. The name of a command is its first key, for scripts with the script's hash. */
export class RedisWire implements Wire {
  private unread: Buffer = Buffer.alloc(0);
  private unanswered: Buffer = Buffer.alloc(0);

  asked(bytes: Buffer): Asked[] {
    this.unread = Buffer.concat([this.unread, bytes]);
    const asked: Asked[] = [];
    for (let end = endOfValue(this.unread, 0); end !== undefined; end = endOfValue(this.unread, 0)) {
      const one = this.unread.subarray(0, end);
      this.unread = this.unread.subarray(end);
      asked.push({ bytes: one, answers: 1, step: stepOf(wordsOf(one)) });
    }
    return asked;
  }

  answersIn(bytes: Buffer): number {
    this.unanswered = Buffer.concat([this.unanswered, bytes]);
    let [count, at] = [0, 0];
    for (let end = endOfValue(this.unanswered, at); end !== undefined; end = endOfValue(this.unanswered, at)) {
      count += 1;
      at = end;
    }
    this.unanswered = this.unanswered.subarray(at);
    return count;
  }
}

/** Where the value that begins at `at` ends; undefined when it is not there in full. */
function endOfValue(buffer: Buffer, at: number): number | undefined {
  const lineEnd = buffer.indexOf('\r\n', at);
  if (lineEnd === -1) return undefined;
  const type = buffer.toString('latin1', at, at + 1);
  const next = lineEnd + 2;
  const size = Number(buffer.toString('latin1', at + 1, lineEnd));
  if ('$=!'.includes(type)) {
    const end = size < 0 ? next : next + size + 2;
    return end <= buffer.length ? end : undefined;
  }
  if (!'*~>%'.includes(type)) return next;
  let end: number | undefined = next;
  for (let left = type === '%' ? size * 2 : size; left > 0 && end !== undefined; left -= 1) {
    end = endOfValue(buffer, end);
  }
  return end;
}

/** A command is an array of strings. */
function wordsOf(command: Buffer): string[] {
  const words: string[] = [];
  let at = command.indexOf('\r\n') + 2;
  while (at < command.length) {
    const lineEnd = command.indexOf('\r\n', at);
    const start = lineEnd + 2;
    const end = start + Number(command.toString('latin1', at + 1, lineEnd));
    words.push(command.toString('utf8', start, end));
    at = end + 2;
  }
  return words;
}

function stepOf(words: readonly string[]): Step | undefined {
  const command = (words[0] ?? '').toUpperCase();
  if (NO_STEPS.has(command)) return undefined;
  const key = (words[KEY_AT[command] ?? 1] ?? '').replace(VARIABLE, '#');
  const script = command === 'EVALSHA' ? ` ${words[1] ?? ''}` : '';
  return { name: `Redis ${command}${script} ${key}`, isKept: true };
}
