import { type AnswerFault, readFieldLines } from './answer-head.ts';

/** Where the bytes of a body go. They are valid during the call only. */
export interface BodySink {
  body(bytes: Buffer, from: number, to: number): void;
}

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LINE_FEED = 2;
const DATA = 3;
const DATA_RETURN = 4;
const DATA_LINE_FEED = 5;
const TRAILERS = 6;

/** As many as fit a safe integer. */
const MOST_SIZE_DIGITS = 13;
/** Of a whole answer: extensions carry nothing that anybody reads. */
const MOST_EXTENSION_BYTES = 16 * 1024;

const RETURN = 0x0d;
const LINE_FEED = 0x0a;
const SEMICOLON = 0x3b;

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** TAB, printable ASCII, and what lies beyond it. */
const isExtensionByte = (byte: number): boolean => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);

/** Takes a chunked body apart (RFC 9112 section 7.1), wherever it was cut on its way. */
export class ChunkedReader {
  isDone = false;
  /** `read` stops as soon as it can. */
  isHeld = false;
  fault: AnswerFault | undefined;
  /** Name, value, …; there when it is done. */
  trailers: readonly string[] = [];

  #state = SIZE;
  #sizeBytes = 0;
  #sizeDigits = 0;
  #extensionBytes = 0;
  #trailerText = '';

  constructor(private readonly maxTrailerBytes: number) {}

  begin(): void {
    this.isDone = false;
    this.fault = undefined;
    this.trailers = [];
    this.#extensionBytes = 0;
    this.#trailerText = '';
    this.#beginChunk();
  }

  /** Reads on; gives the place behind the last byte that was read. Stops early when it is done or something is wrong. */
  read(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    let at = from;
    while (at < to && !this.isDone && !this.isHeld && this.fault === undefined) {
      if (this.#state === DATA) at = this.#readData(bytes, at, to, sink);
      else if (this.#state === TRAILERS) at = this.#readTrailers(bytes, at, to);
      else this.#readByte(bytes[at++] ?? 0);
    }
    return at;
  }

  #beginChunk(): void {
    this.#state = SIZE;
    this.#sizeBytes = 0;
    this.#sizeDigits = 0;
  }

  #readByte(byte: number): void {
    switch (this.#state) {
      case SIZE:
        return this.#readSize(byte);
      case EXTENSION:
        return this.#readExtension(byte);
      case SIZE_LINE_FEED:
        return this.#expect(LINE_FEED, byte, this.#sizeBytes === 0 ? TRAILERS : DATA);
      case DATA_RETURN:
        return this.#expect(RETURN, byte, DATA_LINE_FEED);
      case DATA_LINE_FEED:
        this.#beginChunk();
        return this.#expect(LINE_FEED, byte, SIZE);
    }
  }

  #expect(expected: number, byte: number, then: number): void {
    this.#state = then;
    if (byte !== expected) this.fault = 'bad-chunk';
  }

  #readExtension(byte: number): void {
    this.#extensionBytes += 1;
    if (byte === RETURN) this.#state = SIZE_LINE_FEED;
    else if (!isExtensionByte(byte) || this.#extensionBytes > MOST_EXTENSION_BYTES) this.fault = 'bad-chunk';
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      this.#sizeBytes = this.#sizeBytes * 16 + digit;
      this.#sizeDigits += 1;
      if (this.#sizeDigits > MOST_SIZE_DIGITS) this.fault = 'bad-chunk';
    } else if (this.#sizeDigits === 0) this.fault = 'bad-chunk';
    else if (byte === RETURN) this.#state = SIZE_LINE_FEED;
    else if (byte === SEMICOLON) this.#state = EXTENSION;
    else this.fault = 'bad-chunk';
  }

  #readData(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    const end = Math.min(to, from + this.#sizeBytes);
    this.#sizeBytes -= end - from;
    if (this.#sizeBytes === 0) this.#state = DATA_RETURN;
    sink.body(bytes, from, end);
    return end;
  }

  #readTrailers(bytes: Buffer, from: number, to: number): number {
    const heldBytes = this.#trailerText.length;
    const text = this.#trailerText + bytes.toString('latin1', from, Math.min(to, from + this.maxTrailerBytes + 2));
    const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n') + 2;
    if (end === 1) {
      this.#trailerText = text;
      if (text.length > this.maxTrailerBytes) this.fault = 'head-too-large';
      return to;
    }
    const trailers = end > this.maxTrailerBytes ? undefined : readFieldLines(text.slice(0, end), 0);
    if (trailers === undefined) this.fault = 'bad-header-line';
    else this.trailers = trailers;
    this.isDone = trailers !== undefined;
    return from + end + 2 - heldBytes;
  }
}
