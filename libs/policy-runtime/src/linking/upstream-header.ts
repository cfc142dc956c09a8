import type { Exchange } from '../exchange/exchange.ts';

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * Sets a header for the upstream, or removes the client's when `value` is undefined. Answers false when the value may
 * not stand in a header (RFC 9110 section 5.5); then the header is removed. Other than ASCII travels as UTF-8.
 */
export function setUpstreamHeader(exchange: Exchange, header: string, value: string | undefined): boolean {
  const name = header.toLowerCase();
  if (value === undefined || CONTROL_CHARACTER.test(value)) {
    exchange.upstreamHeaders.set(name, undefined);
    return value === undefined;
  }
  exchange.upstreamHeaders.set(name, Buffer.from(value, 'utf8').toString('latin1'));
  return true;
}
