import { randomUUID } from 'node:crypto';
import type { ClientConnection } from './client-exchange.ts';
import { forwardedHops, ownHop, type ForwardedHop } from './forwarded.ts';
import type { HeaderScan } from './header-scan.ts';
import type { TrustedProxies } from '#libs/client-addresses';

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
  /** `''`: none is written. */
  readonly forwarded: string;
}

/** What a trusted proxy may hand in as correlation id: it comes back in logs, headers and bodies. */
const CORRELATION_ID = /^[A-Za-z0-9._-]{1,128}$/;

const correlationIdOf = (given: string | undefined, isPeerTrusted: boolean): string =>
  isPeerTrusted && given !== undefined && CORRELATION_ID.test(given) ? given : randomUUID();

/** The addresses as `X-Forwarded-For` would name them. */
const chainOf = (hops: readonly ForwardedHop[]): string =>
  hops.map((hop) => (hop.for === undefined || hop.for.includes(',') ? 'unknown' : hop.for)).join(', ');

/** The hop by which the client came: the last one that no trusted proxy made. */
function hopOfClient(hops: readonly ForwardedHop[], peer: string, trusted: TrustedProxies): ForwardedHop | undefined {
  const isTrusted = (hop: ForwardedHop): boolean => trusted.trusts(trusted.clientOf(peer, hop.for ?? 'unknown'));
  return hops.findLast((hop) => hop.for !== undefined && !isTrusted(hop)) ?? hops[0];
}

/** What a peer says of the hops before it. */
interface EarlierHops {
  /** As in `X-Forwarded-For`. */
  readonly for: string | undefined;
  readonly proto: string | undefined;
  readonly host: string | undefined;
  /** Undefined: none that can be read. */
  readonly forwarded: string | undefined;
}

const NOTHING_SAID: EarlierHops = { for: undefined, proto: undefined, host: undefined, forwarded: undefined };

/**
 * Where a peer says both, `X-Forwarded-*` count: more proxies write those, and what they do not write may be the client's.
 */
function earlierHopsOf(headers: HeaderScan, peer: string, trusted: TrustedProxies): EarlierHops {
  const { forwarded, forwardedFor, forwardedProto, forwardedHost } = headers;
  const hops = forwarded === undefined ? undefined : forwardedHops(forwarded);
  if (hops === undefined || hops.length === 0) {
    return { for: forwardedFor, proto: forwardedProto, host: forwardedHost, forwarded: undefined };
  }
  const hop = hopOfClient(hops, peer, trusted);
  return {
    for: forwardedFor ?? chainOf(hops),
    proto: forwardedProto ?? hop?.proto,
    host: forwardedHost ?? hop?.host,
    forwarded,
  };
}

function forwardedValue({ forwarded }: EarlierHops, own: () => string, addsForwarded: boolean): string {
  if (forwarded !== undefined) return `${forwarded}, ${own()}`;
  return addsForwarded ? own() : '';
}

/**
 * Reads the peer and what it says of earlier hops, which counts only when it is a trusted proxy.
 *
 * @param addsForwarded `Forwarded` is written even where none came
 */
export function clientFactsOf(
  { peerAddress: peer, isEncrypted }: ClientConnection,
  headers: HeaderScan,
  trusted: TrustedProxies,
  addsForwarded: boolean,
): ClientFacts {
  const isPeerTrusted = trusted.trusts(peer);
  const ownScheme = isEncrypted ? 'https' : 'http';
  const earlier = isPeerTrusted ? earlierHopsOf(headers, peer, trusted) : NOTHING_SAID;
  const forwardedProto = earlier.proto ?? ownScheme;
  return {
    peerAddress: peer,
    clientAddress: trusted.clientOf(peer, earlier.for),
    scheme: forwardedProto.toLowerCase() === 'https' ? 'https' : 'http',
    correlationId: correlationIdOf(headers.correlationId, isPeerTrusted),
    isPeerTrusted,
    forwardedFor: earlier.for === undefined ? peer : `${earlier.for}, ${peer}`,
    forwardedProto,
    forwardedHost: earlier.host ?? headers.host,
    forwarded: forwardedValue(earlier, () => ownHop(peer, headers.host, ownScheme), addsForwarded),
  };
}
