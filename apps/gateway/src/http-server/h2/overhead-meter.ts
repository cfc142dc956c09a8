/** What a client may send of a body before anybody reads it (the window that a stream begins with, RFC 9113 section 6.9.2). */
const FIRST_WINDOW_BYTES = 65_535;

/**
 * What a client sends beside its requests and what they explain: floods of PING, SETTINGS, PRIORITY, WINDOW_UPDATE and
 * unknown frames, of padding, and of bodies in crumbs (CVE-2019-9511 to 9518). Node tells of hardly any of these frames, so
 * all octets are counted and those that are explained are taken off.
 */
export class OverheadMeter {
  #readBytes = 0;
  #explainedBytes = 0;
  #owedBytes = 0;

  /** @param grantedBytesPerSecond octets that a connection may carry beside its requests */
  constructor(private readonly grantedBytesPerSecond: number) {}

  /** Fields of a request; each is given as they were before they were packed. */
  request(headerBytes: number): void {
    this.#explainedBytes += headerBytes;
  }

  /** A piece of a body was read: it, and as much again for its frame. */
  received(bytes: number): void {
    this.#explainedBytes += 2 * bytes;
  }

  /** A piece of an answer: the client answers it with updates of its windows. */
  sent(bytes: number): void {
    this.#explainedBytes += bytes;
  }

  /** Whatever came of a body and was not read is forgiven: an answer that came first is no fault of the client. */
  requestOver(): void {
    this.#explainedBytes += FIRST_WINDOW_BYTES;
  }

  /**
   * To be asked once a second.
   *
   * @param readBytes all octets of the connection so far
   * @param underWay requests whose bodies may wait to be read
   */
  isTooMuch(readBytes: number, underWay: number): boolean {
    const owed = this.#owedBytes + readBytes - this.#readBytes - this.#explainedBytes - this.grantedBytesPerSecond;
    this.#owedBytes = Math.max(0, owed);
    this.#readBytes = readBytes;
    this.#explainedBytes = 0;
    return this.#owedBytes > underWay * FIRST_WINDOW_BYTES;
  }
}
