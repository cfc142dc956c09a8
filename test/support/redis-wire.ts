import { createHash } from 'node:crypto';
import { type Asked, type Wire } from './fault-proxy.ts';
import { type Step } from './fault-point.ts';

/** Talk about the connection itself, and waiting for something to do. */
const TALK = [
  ...['HELLO', 'AUTH', 'SELECT', 'CLIENT', 'INFO', 'PING', 'QUIT', 'COMMAND', 'CONFIG', 'SCRIPT'],
  ...['BZPOPMIN', 'SUBSCRIBE', 'PSUBSCRIBE', 'UNSUBSCRIBE', 'XREAD'],
];
const READS = [...['GET', 'MGET', 'HGET', 'HMGET', 'HGETALL', 'EXISTS', 'LRANGE', 'ZRANGE', 'TIME']];
const STEPS_OF = { changes: new Set([...TALK, ...READS]), everything: new Set(TALK) };
/** What differs from run to run: identifiers and numbers. */
const VARIABLE = /[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g;
/** Redis' protocol 2 and 3, as far as needed. The name of a command is its first key, that of a script its hash. */
export class RedisWire implements Wire {
  private unread: Buffer = Buffer.alloc(0);
  private unanswered: Buffer = Buffer.alloc(0);

  /** @param steps what counts as a step; scripts count always, since nothing tells which of them only read */
  constructor(private readonly steps: keyof typeof STEPS_OF = 'changes') {}

  asked(bytes: Buffer): Asked[] {
    this.unread = Buffer.concat([this.unread, bytes]);
    const asked: Asked[] = [];
    for (let end = endOfValue(this.unread, 0); end !== undefined; end = endOfValue(this.unread, 0)) {
      const one = this.unread.subarray(0, end);
      this.unread = this.unread.subarray(end);
      asked.push({ bytes: one, answers: 1, step: stepOf(wordsOf(one), STEPS_OF[this.steps]) });
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

function stepOf([command = '', ...words]: readonly string[], noSteps: ReadonlySet<string>): Step | undefined {
  const name = command.toUpperCase();
  if (noSteps.has(name)) return undefined;
  // Whichever way a script comes, in full or by its hash: it is the same step.
  if (name === 'EVAL')
    return scriptStep(
      createHash('sha1')
        .update(words[0] ?? '')
        .digest('hex'),
      words[2],
    );
  if (name === 'EVALSHA') return scriptStep(words[0] ?? '', words[2]);
  return { name: `Redis ${name} ${keyOf(words[0])}`, isKept: true };
}

const scriptStep = (hash: string, key: string | undefined): Step => ({
  name: `Redis script ${hash.slice(0, 12)} ${keyOf(key)}`,
  isKept: true,
});

const keyOf = (key = ''): string => key.replace(VARIABLE, '#');
