/** What the head of an answer says, and how its body ends. */
export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  /** Name, value, … as they came. Heads of equal text share the list. */
  readonly headers: readonly string[];
  /** `Content-Length`; -1 when there is none. */
  readonly lengthBytes: number;
  readonly isChunked: boolean;
  /** The connection may serve another request, as far as the head says. */
  readonly isPersistent: boolean;
  /** `Keep-Alive: timeout=`; -1 when there is none. */
  readonly keepAliveSeconds: number;
  /** `Upgrade`, lower case; `''` when there is none. */
  readonly upgrade: string;
}

/** Why an answer is no HTTP/1.1. For logs; it quotes nothing. */
export type AnswerFault =
  | 'bad-status-line'
  | 'bad-header-line'
  | 'bad-content-length'
  | 'bad-transfer-encoding'
  | 'bad-chunk'
  | 'head-too-large'
  | 'too-many-interim-answers'
  | 'last-interim-answer'
  | 'unasked-upgrade';

/** RFC 9112 section 4. The reason phrase is dropped where it cannot be passed on, so it may hold anything but a line's end. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9][0-9])(?: ([^\r\n\0]*))?\r\n/;

/**
 * Field lines (RFC 9112 section 5): no blank before the colon, no folded line, no bare CR or LF, no control character.
 * Stricter than a robust reader might be: what two readers may understand differently is not passed on.
 */
const FIELD_LINES = /(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*/y;

const MOST_LENGTH_DIGITS = 15;
const BLANK = 0x20;
const TAB = 0x09;

const isBlank = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code === BLANK || code === TAB;
};

/**
 * Field lines from `from` to the end of `text`, each ended by CRLF: name, value, …; `undefined` when one of them is not
 * well-formed.
 */
export function readFieldLines(text: string, from: number): string[] | undefined {
  FIELD_LINES.lastIndex = from;
  FIELD_LINES.test(text);
  if (FIELD_LINES.lastIndex !== text.length) return undefined;
  const lines: string[] = [];
  for (let at = from; at < text.length;) {
    const colon = text.indexOf(':', at);
    const lineEnd = text.indexOf('\r\n', colon);
    let [first, last] = [colon + 1, lineEnd];
    while (first < last && isBlank(text, first)) first += 1;
    while (last > first && isBlank(text, last - 1)) last -= 1;
    lines.push(text.slice(at, colon), text.slice(first, last));
    at = lineEnd + 2;
  }
  return lines;
}

/** What the lines that frame an answer say, gathered one by one. */
class Framing {
  lengthBytes = -1;
  isChunked = false;
  keepAliveSeconds = -1;
  connection = '';
  upgrade = '';
  fault: AnswerFault | undefined;

  read(name: string, value: string): void {
    // The length decides first: most lines are none of these.
    switch (name.length) {
      case 7:
        if (name.toLowerCase() === 'upgrade') this.upgrade = value.toLowerCase();
        return;
      case 10:
        return this.#readConnection(name.toLowerCase(), value);
      case 14:
        if (name.toLowerCase() === 'content-length') this.#readLength(value);
        return;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') this.#readCoding(value);
    }
  }

  #readConnection(name: string, value: string): void {
    if (name === 'connection') this.connection += `,${value.toLowerCase()}`;
    if (name !== 'keep-alive') return;
    const seconds = /(?:^|[,\s])timeout=([0-9]{1,9})(?:$|[,;\s])/i.exec(value)?.[1];
    if (seconds !== undefined) this.keepAliveSeconds = Number(seconds);
  }

  /** A second one is refused even when it is equal (RFC 9110 section 8.6 allows either). */
  #readLength(value: string): void {
    const isNumber = /^[0-9]+$/.test(value) && value.length <= MOST_LENGTH_DIGITS;
    if (!isNumber || this.lengthBytes !== -1) this.fault = 'bad-content-length';
    this.lengthBytes = Number(value);
  }

  /** The header is not passed on, so no other coding may be in it. */
  #readCoding(value: string): void {
    if (this.isChunked || value.toLowerCase() !== 'chunked') this.fault = 'bad-transfer-encoding';
    this.isChunked = true;
  }

  persists(isHttp11: boolean, status: number): boolean {
    const { connection } = this;
    // RFC 9110 section 8.6 forbids it: what follows may be a body after all, and must not be taken for the next answer.
    if (status === 204 && (this.isChunked || this.lengthBytes > 0)) return false;
    if (connection === '') return isHttp11;
    const options = connection.split(',').map((option) => option.trim());
    return !options.includes('close') && (isHttp11 || options.includes('keep-alive'));
  }
}

/** @param text status line and field lines, each with its CRLF, without the empty line behind them; one character a byte */
export function readAnswerHead(text: string): AnswerHead | AnswerFault {
  const statusLine = STATUS_LINE.exec(text);
  if (statusLine === null) return 'bad-status-line';
  const headers = readFieldLines(text, statusLine[0].length);
  if (headers === undefined) return 'bad-header-line';
  const framing = new Framing();
  for (let at = 0; at < headers.length; at += 2) framing.read(headers[at] ?? '', headers[at + 1] ?? '');
  if (framing.fault !== undefined) return framing.fault;
  const isHttp11 = statusLine[1] === '1';
  const status = Number(statusLine[2]);
  // RFC 9112 section 6.1 and 6.3: either may have been meant, and HTTP/1.0 knows no chunks.
  if (framing.isChunked && (framing.lengthBytes !== -1 || !isHttp11)) return 'bad-transfer-encoding';
  return {
    status,
    statusText: statusLine[3] ?? '',
    headers,
    lengthBytes: framing.lengthBytes,
    isChunked: framing.isChunked,
    isPersistent: framing.persists(isHttp11, status),
    keepAliveSeconds: framing.keepAliveSeconds,
    upgrade: framing.upgrade,
  };
}
