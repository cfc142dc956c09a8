import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../addresses/address-list.ts';
import type { HeaderScan } from './header-scan.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** Who asks, and what is said on about it. */
export interface ClientFacts {
  /** The other end of the connection. */
  readonly peerAddress: string;
  /** After evaluation of `X-Forwarded-For`. */
  readonly clientAddress: string;
  readonly scheme: 'http' | 'https';
  readonly correlationId: string;
  /** True when the peer's `X-Forwarded-*` are believed. */
  readonly isPeerTrusted: boolean;
  /** Values for the upstream. */
  readonly forwardedFor: string;
  readonly forwardedProto: string;
  readonly forwardedHost: string;
}

/** What a trusted proxy may hand in as correlation id: it comes back in logs, headers and bodies. */
const CORRELATION_ID = /^[A-Za-z0-9._-]{1,128}$/;

const correlationIdOf = (given: string | undefined, isPeerTrusted: boolean): string =>
  isPeerTrusted && given !== undefined && CORRELATION_ID.test(given) ? given : randomUUID();

/** Reads the peer and what it says of earlier hops, which counts only when it is a trusted proxy. */
export function clientFactsOf(request: IncomingMessage, headers: HeaderScan, trusted: TrustedProxies): ClientFacts {
  const peer = plainAddress(request.socket.remoteAddress ?? '');
  const isPeerTrusted = trusted.trusts(peer);
  const ownScheme = 'encrypted' in request.socket ? 'https' : 'http';
  const believed = <Value>(value: Value): Value | undefined => (isPeerTrusted ? value : undefined);
  const forwardedProto = believed(headers.forwardedProto) ?? ownScheme;
  const earlierHops = believed(headers.forwardedFor);
  return {
    peerAddress: peer,
    clientAddress: trusted.clientOf(peer, headers.forwardedFor),
    scheme: forwardedProto.toLowerCase() === 'https' ? 'https' : 'http',
    correlationId: correlationIdOf(headers.correlationId, isPeerTrusted),
    isPeerTrusted,
    forwardedFor: earlierHops === undefined ? peer : `${earlierHops}, ${peer}`,
    forwardedProto,
    forwardedHost: believed(headers.forwardedHost) ?? headers.host,
  };
}
