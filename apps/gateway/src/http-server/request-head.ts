import { hostNameOf } from '../router/host-name.ts';
import { normalisePath } from '#libs/policy-contracts';
import type { ClientRequest, HttpVersion } from './client-exchange.ts';
import type { GatewayRefusal } from './gateway-faults.ts';
import { HeaderScan } from './header-scan.ts';
import type { RequestLimits } from './request-limits.ts';

/** The head of a request after it was found to be unambiguous HTTP. */
export interface RequestHead {
  readonly method: string;
  /** Normalised: the same text for matching, policies and the upstream. */
  readonly path: string;
  readonly queryString: string;
  /** Authority as the client sent it; `''` in HTTP/1.0 without Host. */
  readonly host: string;
  /** For matching: lower case, without port. */
  readonly hostName: string;
  readonly headers: HeaderScan;
  readonly hasBody: boolean;
  /** Declared length; `undefined` when chunked. */
  readonly contentLengthBytes: number | undefined;
}

export type RequestHeadOutcome =
  { readonly ok: true; readonly head: RequestHead } | { readonly ok: false; readonly refusal: GatewayRefusal };

const bad = (reason: string): GatewayRefusal => ({ name: 'badRequest', reason });

/** Absolute form (RFC 9112 section 3.2.2): scheme, authority, the rest. */
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;

/**
 * A bearer token has no comma (RFC 6750 section 2.1, RFC 7515 section 7.1), other schemes may. With one, `Bearer a,
 * Bearer b` among them, a policy could verify another token than the upstream reads.
 */
const BEARER_IN_A_LIST = /^\s*bearer\b[^,]*,|,\s*bearer(?:\s|$)/i;

/** The parser refuses the other ways to say a length twice (Content-Length with Transfer-Encoding, two lengths). */
function framingFault(scan: HeaderScan, httpVersion: HttpVersion): GatewayRefusal | undefined {
  if (scan.transferEncoding === undefined) return undefined;
  if (httpVersion === '1.0') return bad('Transfer-Encoding in HTTP/1.0');
  return scan.transferEncoding.toLowerCase() === 'chunked' ? undefined : bad('Transfer-Encoding other than chunked');
}

function headerFault(
  scan: HeaderScan,
  httpVersion: HttpVersion,
  { maxHeaderLines }: RequestLimits,
): GatewayRefusal | undefined {
  if (scan.names.length > maxHeaderLines) {
    return { name: 'headersTooLarge', reason: 'too many header lines' };
  }
  if (scan.hostCount > 1) return bad('more than one Host');
  if (scan.hostCount === 0 && httpVersion !== '1.0') return bad('no Host');
  if (scan.authorizationCount > 1) return bad('more than one Authorization');
  // Without a comma there is no list, and to look for a comma costs next to nothing.
  if (scan.authorization.includes(',') && BEARER_IN_A_LIST.test(scan.authorization))
    return bad('more than one bearer token');
  return framingFault(scan, httpVersion);
}

/** What a URL is made of; Node's HTTP/1.1 parser has looked already, its HTTP/2 does not (RFC 3986 section 2). */
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

/** Splits the request target; an authority in it must be the one in Host. */
function targetOf(url: string, host: string): { readonly path: string; readonly queryString: string } | undefined {
  const absolute = ABSOLUTE_FORM.exec(url);
  if (absolute !== null && absolute[1]?.toLowerCase() !== host.toLowerCase()) return undefined;
  const target = absolute === null ? url : (absolute[2] ?? '');
  if (target.includes('#') || !VISIBLE_ASCII.test(target)) return undefined;
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  return {
    path: path === '' && absolute !== null ? '/' : path,
    queryString: mark === -1 ? '' : target.slice(mark + 1),
  };
}

/** HTTP/2 marks the end of a request by itself, whatever headers say (RFC 9113 section 8.1). */
const hasBody = ({ httpVersion, body }: ClientRequest, scan: HeaderScan, lengthBytes: number | undefined): boolean =>
  httpVersion === '2.0' ? body !== undefined : scan.transferEncoding !== undefined || (lengthBytes ?? 0) > 0;

/** Checks a request before anything else looks at it (contract 5.3: 400, 431 and 505 at the door). */
export function readRequestHead(request: ClientRequest, limits: RequestLimits): RequestHeadOutcome {
  if (request.target.length > limits.maxUrlBytes) {
    return { ok: false, refusal: { name: 'urlTooLong', reason: 'request target' } };
  }
  const scan = new HeaderScan(request.rawHeaders, request.headerNames);
  const fault = headerFault(scan, request.httpVersion, limits);
  if (fault !== undefined) return { ok: false, refusal: fault };
  const hostName = scan.hostCount === 0 ? '' : hostNameOf(scan.host);
  if (hostName === undefined) return { ok: false, refusal: bad('malformed Host') };
  const target = targetOf(request.target, scan.host);
  if (target === undefined) return { ok: false, refusal: bad('malformed request target') };
  const path = normalisePath(target.path);
  if (path === undefined) return { ok: false, refusal: { name: 'badPath', reason: 'path does not normalise' } };
  const lengthBytes = scan.contentLength === undefined ? undefined : Number(scan.contentLength);
  const head: RequestHead = {
    method: request.method,
    path,
    queryString: target.queryString,
    host: scan.host,
    hostName,
    headers: scan,
    hasBody: hasBody(request, scan, lengthBytes),
    contentLengthBytes: lengthBytes,
  };
  return { ok: true, head };
}
