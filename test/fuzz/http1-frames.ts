/** A whole message of HTTP/1.1 at the beginning of what was received. */
export interface Frame {
  /** Start line and headers, the blank line included. */
  readonly head: string;
  /** All of it. */
  readonly length: number;
}

type MessageKind = 'request' | 'answer';

const HEADER_LINE = /^[!#$%&'*+.^_`|~\w-]+:[ \t]*[\t\x20-\x7e\x80-\xff]*$/;
const FRAMING = /^(?:content-length|transfer-encoding):/i;
const LENGTH = /^content-length:[ \t]*(\d{1,15})[ \t]*$/i;
const CODING = /^transfer-encoding:[ \t]*chunked[ \t]*$/i;
const CHUNK = /^([0-9a-fA-F]{1,12})(?:;[\t\x20-\x7e]*)?\r\n/;
const BODYLESS = /^HTTP\/1\.1 (?:1\d\d|204|304) /;
const ANSWER_FOLLOWS = /^HTTP\/1\.1 \d{3} /;

/** Where the chunks from `at` on end; undefined: they do not yet; a text: what is wrong. */
function endOfChunks(text: string, from: number): number | string | undefined {
  for (let at = from; ;) {
    const found = CHUNK.exec(text.slice(at, at + 200));
    if (found === null)
      return text.length - at < 100 && !text.slice(at).includes('\n') ? undefined : 'a chunk without a size';
    at += found[0].length;
    const size = Number.parseInt(found[1] ?? '', 16);
    if (size === 0) return endOfTrailers(text, at);
    if (text.length < at + size + 2) return undefined;
    if (!text.startsWith('\r\n', at + size)) return 'a chunk of another size than it says';
    at += size + 2;
  }
}

function endOfTrailers(text: string, at: number): number | string | undefined {
  if (text.startsWith('\r\n', at)) return at + 2;
  const end = text.indexOf('\r\n\r\n', at);
  if (end === -1) return undefined;
  const isExact = text
    .slice(at, end)
    .split('\r\n')
    .every((line) => HEADER_LINE.test(line));
  return isExact ? end + 4 : 'a trailer that is none';
}

/** An answer to HEAD has the length of a body and no body: what follows it tells. */
function endOfLength(text: string, at: number, length: number, kind: MessageKind): number | undefined {
  if (kind === 'answer' && (text.length === at || ANSWER_FOLLOWS.test(text.slice(at, at + 20)))) return at;
  return text.length < at + length ? undefined : at + length;
}

/** Where the body that begins at `at` ends, by the lines that frame it. */
function endOfBody(
  text: string,
  at: number,
  framing: readonly string[],
  kind: MessageKind,
): number | string | undefined {
  const [line, ...more] = framing;
  if (line === undefined) return at;
  if (more.length > 0) return 'two frames for one body';
  if (CODING.test(line)) return endOfChunks(text, at);
  const bytes = LENGTH.exec(line)?.[1];
  return bytes === undefined ? 'a length or coding that is none' : endOfLength(text, at, Number(bytes), kind);
}

/** Reads one message strictly. Undefined: it is not all there; a text: what is wrong with it. */
export function readFrame(text: string, kind: MessageKind): Frame | string | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [start = '', ...lines] = text.slice(0, end).split('\r\n');
  const bad = lines.find((line) => !HEADER_LINE.test(line));
  if (bad !== undefined) return `a header line that is none: ${JSON.stringify(bad.slice(0, 80))}`;
  const at = end + 4;
  const isBodyless = kind === 'answer' && BODYLESS.test(`${start} `);
  const framing = isBodyless ? [] : lines.filter((line) => FRAMING.test(line));
  const found = endOfBody(text, at, framing, kind);
  return typeof found === 'number' ? { head: text.slice(0, at), length: found } : found;
}
