import type { Exchange } from '../exchange/exchange.ts';

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** The value as it may stand in a header (RFC 9110 section 5.5), other than ASCII as UTF-8; undefined: it may not. */
const writable = (value: string | undefined): string | undefined =>
  value === undefined || CONTROL_CHARACTER.test(value) ? undefined : Buffer.from(value, 'utf8').toString('latin1');

/**
 * Sets a header for the upstream, or removes the client's when `value` is undefined. Answers false when the value may
 * not stand in a header; then the header is removed.
 */
export function setUpstreamHeader(exchange: Exchange, header: string, value: string | undefined): boolean {
  const text = writable(value);
  exchange.upstreamHeaders.set(header.toLowerCase(), text);
  return (text === undefined) === (value === undefined);
}

/** The same for the client, in the RESPONSE pipeline: there it is the upstream's header that is removed. */
export function setAnswerHeader(exchange: Exchange, header: string, value: string | undefined): boolean {
  const text = writable(value);
  if (text === undefined) exchange.response?.headers.delete(header.toLowerCase());
  else exchange.response?.headers.set(header.toLowerCase(), text);
  return (text === undefined) === (value === undefined);
}
