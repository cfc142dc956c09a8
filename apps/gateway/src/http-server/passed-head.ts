import { endToEndHeaders, withoutLength, writableReason } from './response-headers.ts';

/** Status line and headers as they are written, one character a byte, and what of them matters for what follows. */
export interface HeadText {
  readonly text: string;
  readonly hasLength: boolean;
  readonly hasDate: boolean;
}

/** What the client gets of the head of an upstream's answer; headers are name, value, … */
export class PassedHead {
  /** Kept by whoever wrote it first: the heads of most answers are one head, again and again. */
  text: HeadText | undefined = undefined;

  constructor(
    readonly status: number,
    readonly reason: string,
    readonly headers: readonly string[],
  ) {}

  /** The same after policies. A length that is not that of the body which follows stays behind: a 304 speaks of another's. */
  changed(status: number, headers: readonly string[]): PassedHead {
    if (status === this.status) return new PassedHead(status, this.reason, headers);
    return new PassedHead(status, '', status === 204 || this.status === 304 ? withoutLength(headers) : headers);
  }
}

function passedHeadOf(status: number, statusText: string, received: readonly string[]): PassedHead {
  const headers = endToEndHeaders(received);
  return new PassedHead(status, writableReason(statusText), status === 204 ? withoutLength(headers) : headers);
}

/** A Date changes every second, and each connection has a list of its own. */
const MOST_KEPT = 256;

/**
 * Heads that came lately, by their lists of headers: the parser gives answers whose heads are alike to the byte one and the same
 * list. To pass on 7 lines costs 1.6 µs, to find them here 0.05.
 */
export class PassedHeads {
  readonly #byReceived = new Map<readonly string[], PassedHead>();

  of(status: number, statusText: string, received: readonly string[]): PassedHead {
    const known = this.#byReceived.get(received);
    if (known?.status === status) return known;
    if (this.#byReceived.size >= MOST_KEPT) this.#byReceived.clear();
    const made = passedHeadOf(status, statusText, received);
    this.#byReceived.set(received, made);
    return made;
  }
}
