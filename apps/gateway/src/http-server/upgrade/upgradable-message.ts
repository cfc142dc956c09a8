import { IncomingMessage } from 'node:http';

const NAMES_WEBSOCKET = /(?:^|,)\s*websocket\s*(?:,|$)/i;

/**
 * A request of Node's HTTP server that becomes an `upgrade` only where it asks for a WebSocket as RFC 6455 section 4.1 has
 * it: GET, HTTP/1.1, no body. Node itself takes every `Upgrade` for one as soon as somebody listens; a server may ignore the
 * header (RFC 9110 section 7.8), and for other protocols it is.
 */
export class UpgradableMessage extends IncomingMessage {
  /** What Node's parser found; set while the message is made, so never by an initialiser. */
  declare private found: unknown;

  get upgrade(): boolean {
    return this.found === true && (this.method === 'CONNECT' || this.#asksForWebSocket());
  }

  set upgrade(value: unknown) {
    this.found = value;
  }

  #asksForWebSocket(): boolean {
    const { headers, method, httpVersion } = this;
    if (method !== 'GET' || httpVersion !== '1.1') return false;
    if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') return false;
    return NAMES_WEBSOCKET.test(headers.upgrade ?? '');
  }
}
