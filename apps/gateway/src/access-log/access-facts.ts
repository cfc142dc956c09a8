import type { ExchangeSummary } from '../http-server/exchange-summary.ts';
import type { UpstreamFacts } from '../upstream/call-record.ts';

/** Longer ones are cut, so that every line, in ASCII, fits into one write (`access-output.ts`). */
const LONGEST_PATH = 1_024;
const LONGEST_NAME = 255;

const cut = (text: string, longest: number): string => (text.length > longest ? `${text.slice(0, longest)}...` : text);
const tenths = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : Math.round(ms * 10) / 10;

function upstreamFacts({ origin, attempts, sentAt, headAt, endedAt, failure }: UpstreamFacts): object {
  return {
    upstream: origin,
    upstreamAttempts: attempts,
    upstreamHeadMs: tenths(headAt && headAt - sentAt),
    upstreamMs: tenths(endedAt && endedAt - sentAt),
    upstreamFailure: failure,
  };
}

/**
 * What a line of the access log says (docs/reference/access-log.md). No query, no header, no body: any of them may hold a
 * token.
 */
export function accessFacts(exchange: ExchangeSummary): object {
  const { fault, upstream } = exchange;
  return {
    correlationId: exchange.correlationId,
    traceId: exchange.trace?.traceId,
    method: cut(exchange.method, LONGEST_NAME),
    scheme: exchange.scheme,
    host: cut(exchange.host, LONGEST_NAME),
    path: cut(exchange.path, LONGEST_PATH),
    protocol: exchange.httpVersion && `HTTP/${exchange.httpVersion}`,
    clientAddress: exchange.clientAddress,
    proxy: exchange.proxy,
    revision: exchange.revision,
    endpoint: exchange.endpoint,
    route: exchange.route,
    status: exchange.status,
    bodyBytes: exchange.bodyBytes,
    durationMs: tenths(exchange.durationMs),
    isComplete: exchange.isComplete,
    ...(fault && { fault: fault.name, policy: fault.policy, reason: cut(fault.reason, LONGEST_NAME) }),
    ...(upstream && upstreamFacts(upstream)),
  };
}
