import { AUDIENCE, ISSUER, type BenchTokens } from './bench-tokens.ts';
import type { BenchSite } from './bench-site.ts';
import type { Contestant } from './contestant.ts';

/** What the gateway's policy checks, in HAProxy's words: algorithm, signature, issuer, audience, exp and nbf. */
const checksOf = ({ algorithm, publicPemFile }: BenchTokens): string => `
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.nbf) var(txn.bearer),jwt_payload_query('$.nbf','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.alg) -m str ${algorithm} }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${publicPemFile}") -m int 1 }
  http-request deny deny_status 401 unless { var(txn.iss) -m str ${ISSUER} }
  http-request deny deny_status 401 unless { var(txn.aud) -m str ${AUDIENCE} }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int le 0 }
  http-request deny deny_status 401 if { var(txn.now),sub(txn.nbf) -m int lt 0 }`;

const configOf = (port: number, upstreamPort: number, tokens: BenchTokens | undefined): string => `
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 60s
  http-reuse always
frontend bench
  bind 127.0.0.1:${port}
  option forwardfor
  http-request add-header Via "1.1 haproxy"
  http-response add-header Via "1.1 haproxy"${tokens === undefined ? '' : checksOf(tokens)}
  default_backend upstream
backend upstream
  server one 127.0.0.1:${upstreamPort}
`;

/** HAProxy with one thread; no tokens: it only forwards. */
export async function startHaproxy(site: BenchSite, tokens: BenchTokens | undefined): Promise<Contestant> {
  const port = await site.freePort();
  const file = site.file(`haproxy-${port}.cfg`, configOf(port, site.upstreamPort, tokens));
  const started = site.startTested(site.tools.haproxy, ['-f', file, '-db']);
  return { name: 'HAProxy', process: started, port, path: '/orders/1' };
}
