import type { ClientConnection, ClientRequest } from '../client-exchange.ts';
import { lowerCaseName } from '../known-header-names.ts';
import type { RequestLimits } from '../request-limits.ts';

/** A body above this is a stream, which Node's server reads better. */
const MOST_BODY_BYTES = 16 * 1024;

const CRLF = '\r\n';
const SPACE = 0x20;
const TAB = 0x09;

/**
 * A head in the one spelling that nobody reads in two ways: a method that needs nothing special, origin form (RFC 9112
 * section 3.2.1) in visible ASCII, whole lines, no folding. Every repetition ends where its next character must, so a head
 * that does not match costs no more than one that does.
 */
const PLAIN_HEAD =
  /(?:GET|HEAD|DELETE|OPTIONS|POST|PUT|PATCH) \/[\x21\x22\x24-\x7e]* HTTP\/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n/y;

/** No sign, no list, nothing that needs more than exact integers. */
const PLAIN_LENGTH = /^\d{1,9}$/;

const isBlank = (code: number): boolean => code === SPACE || code === TAB;

/** A request that was there as a whole. */
export class LaneRequest implements ClientRequest {
  readonly httpVersion = '1.1';
  readonly awaitsContinue = false;

  readonly rawHeaders: readonly string[];
  readonly headerNames: readonly string[];
  /** The client asks for no further one on this connection. */
  readonly isLast: boolean;

  constructor(
    readonly connection: ClientConnection,
    readonly method: string,
    readonly target: string,
    lines: HeaderLines,
    readonly body: Buffer | undefined,
    /** Where it ends in the text that it was read from. */
    readonly endsAt: number,
  ) {
    this.rawHeaders = lines.raw;
    this.headerNames = lines.names;
    this.isLast = lines.isLast;
  }
}

/** Header lines, and what they say of framing and connection. */
class HeaderLines {
  readonly raw: string[] = [];
  readonly names: string[] = [];
  bodyBytes = 0;
  isLast = false;
  #hostCount = 0;
  #lengthCount = 0;
  #connectionCount = 0;
  #isPlain = true;

  get isPlain(): boolean {
    return this.#isPlain && this.#hostCount === 1 && this.#lengthCount <= 1 && this.#connectionCount <= 1;
  }

  add(rawName: string, value: string): void {
    const name = lowerCaseName(rawName);
    this.raw.push(rawName, value);
    this.names.push(name);
    switch (name) {
      case 'host':
        this.#hostCount += 1;
        break;
      case 'content-length':
        this.#lengthCount += 1;
        this.bodyBytes = Number(value);
        this.#isPlain &&= PLAIN_LENGTH.test(value);
        break;
      case 'connection':
        this.#connectionCount += 1;
        this.#noteConnection(value.toLowerCase());
        break;
      case 'transfer-encoding':
      case 'expect':
      case 'upgrade':
      case 'proxy-connection': // Node's parser takes it for a Connection.
        this.#isPlain = false;
        break;
      default:
    }
  }

  #noteConnection(value: string): void {
    this.isLast = value === 'close';
    this.#isPlain &&= this.isLast || value === 'keep-alive';
  }
}

/** Lines of a head that has the plain shape, from the one after the request line. */
function readLines(text: string, from: number, headEnd: number): HeaderLines | undefined {
  const lines = new HeaderLines();
  for (let at = from; at < headEnd;) {
    const colon = text.indexOf(':', at);
    const lineEnd = text.indexOf(CRLF, colon);
    const start = text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
    // Node's parser takes blanks for a part of some values and not of others.
    if (isBlank(text.charCodeAt(start)) || (lineEnd > start && isBlank(text.charCodeAt(lineEnd - 1)))) return undefined;
    lines.add(text.slice(at, colon), text.slice(start, lineEnd));
    at = lineEnd + CRLF.length;
  }
  return lines;
}

/**
 * Reads one whole request that starts at `at` of what a connection said, one character a byte, when it is as plain as can be. Undefined: it is not, or not all of it is here,
 * or there is any doubt; Node's HTTP server decides then. What this takes, that parser reads the same way.
 */
export function readPlainRequest(
  text: string,
  at: number,
  connection: ClientConnection,
  limits: Pick<RequestLimits, 'maxHeaderBytes' | 'maxHeaderLines'>,
): LaneRequest | undefined {
  PLAIN_HEAD.lastIndex = at;
  if (!PLAIN_HEAD.test(text)) return undefined;
  const bodyStart = PLAIN_HEAD.lastIndex;
  if (bodyStart - at > limits.maxHeaderBytes) return undefined;
  const methodEnd = text.indexOf(' ', at);
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  const firstLine = text.indexOf(CRLF, targetEnd) + CRLF.length;
  const lines = readLines(text, firstLine, bodyStart - CRLF.length);
  if (lines === undefined || !lines.isPlain || lines.names.length > limits.maxHeaderLines) return undefined;
  const { bodyBytes, isLast } = lines;
  const endsAt = bodyStart + bodyBytes;
  if (bodyBytes > MOST_BODY_BYTES || endsAt > text.length) return undefined;
  // Node refuses what follows the last request of a connection.
  if (isLast && endsAt !== text.length) return undefined;
  const body = bodyBytes === 0 ? undefined : Buffer.from(text.slice(bodyStart, endsAt), 'latin1');
  const method = text.slice(at, methodEnd);
  const target = text.slice(methodEnd + 1, targetEnd);
  return new LaneRequest(connection, method, target, lines, body, endsAt);
}
