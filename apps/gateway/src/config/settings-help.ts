import { LOG_LEVELS } from '#libs/program-shell';
import { UPSTREAM_POOL_LIMITS as UPSTREAM } from '../upstream/upstream-pool.ts';
import { DEFAULT_LIMITS as LIMITS } from '../http-server/request-limits.ts';
import { LISTENER_DEFAULTS as LISTENER } from '../http-server/listener/listener-settings.ts';
import { FORWARDED_HEADER_DEFAULT } from './forwarding-settings.ts';
import { GATEWAY_SETTING_DEFAULTS as DEFAULTS } from './gateway.config.ts';
import { OBSERVABILITY_DEFAULTS as OBSERVABILITY } from './observability-settings.ts';
import { TOKEN_CACHE_DEFAULTS as TOKENS } from './token-cache-settings.ts';

const SETTINGS: readonly (readonly [name: string, byDefault: string, meaning: string])[] = [
  ['GATEWAY_ENVIRONMENT', 'required', 'name of the environment'],
  ['GATEWAY_KEY', 'required', 'shown once when the environment or the key was created'],
  ['GATEWAY_KEY_FILE', 'none', 'file with it, in place of GATEWAY_KEY'],
  [
    'REDIS_URL',
    DEFAULTS.redisUrl,
    'Redis of the environment: redis://, redis-sentinel://, redis-cluster://; rediss… for TLS',
  ],
  ['REDIS_CA_FILE', 'none', 'PEM; if set, the only authorities that are trusted for Redis'],
  ['REDIS_CLIENT_CERT_FILE', 'none', 'PEM; certificate shown to Redis, with its chain'],
  ['REDIS_CLIENT_KEY_FILE', 'none', 'PEM; its key'],
  ['REDIS_URL_FILE', 'none', 'file with it, in place of REDIS_URL'],
  ['HOST', DEFAULTS.host, 'address of API traffic and token endpoints'],
  ['PORT', String(DEFAULTS.port), 'its port; 0 lets the system choose'],
  ['ADMIN_HOST', DEFAULTS.adminHost, 'address of health, metrics and inspection'],
  ['ADMIN_PORT', String(DEFAULTS.adminPort), 'its port'],
  ['ROOT_CONTEXT', 'empty', 'prefix of all API traffic; token endpoints stay at the root'],
  ['GATEWAY_ID', 'host name, -, PORT', 'names this gateway; the same after every restart'],
  ['SNAPSHOT_DIR', `${DEFAULTS.snapshotRoot}/<GATEWAY_ID>`, 'last-known-good configuration'],
  ['WORKERS', String(DEFAULTS.workers), 'processes that share the port; 0: one for each core'],
  ['TRUSTED_PROXIES', 'none', 'CIDRs whose X-Forwarded-* are believed, comma-separated'],
  [
    'FORWARDED_HEADER',
    FORWARDED_HEADER_DEFAULT,
    'on: Forwarded (RFC 7239) is added for upstreams beside X-Forwarded-*',
  ],
  ['TLS_CERT_FILE', 'none', 'PEM; certificate shown to clients, with its chain; read again when it changes'],
  ['TLS_KEY_FILE', 'none', 'PEM; its key'],
  ['TLS_MIN_VERSION', 'TLSv1.2', 'or TLSv1.3'],
  ['HTTP2', String(LISTENER.http2), 'false: clients that come by TLS are not offered HTTP/2'],
  ['HTTP2_MAX_STREAMS', String(LISTENER.http2MaxStreams), 'requests at a time on one HTTP/2 connection'],
  ['PROXY_PROTOCOL', String(LISTENER.proxyProtocol), 'true: every connection starts with a PROXY header'],
  ['HANDSHAKE_TIMEOUT_MS', String(LISTENER.handshakeTimeoutMs), 'for a PROXY header, and for a TLS handshake'],
  ['WEBSOCKET_IDLE_TIMEOUT_MS', String(LISTENER.webSocketIdleTimeoutMs), 'how long a WebSocket may be silent'],
  ['MAX_HEADER_BYTES', String(LIMITS.maxHeaderBytes), 'request line and headers of a request; above it 431'],
  ['MAX_HEADER_LINES', String(LIMITS.maxHeaderLines), 'header lines of a request; above it 431'],
  ['MAX_URL_BYTES', String(LIMITS.maxUrlBytes), 'request target; above it 414'],
  ['MAX_BODY_BYTES', String(LIMITS.maxBodyBytes), 'body of a request; above it 413; 0: any size'],
  ['MAX_BUFFERED_BODY_BYTES', String(LIMITS.maxBufferedBodyBytes), 'body that a policy reads; above it 413'],
  ['MAX_TOKEN_BODY_BYTES', String(LIMITS.maxTokenBodyBytes), 'body of a request to the token endpoints; above it 413'],
  ['HEADER_TIMEOUT_MS', String(LIMITS.headerTimeoutMs), 'for the headers of a request; then 408'],
  ['BODY_TIMEOUT_MS', String(LIMITS.bodyTimeoutMs), 'for the body of a request; then 408'],
  ['BODY_IDLE_TIMEOUT_MS', String(LIMITS.bodyIdleTimeoutMs), 'between two pieces of it; then 408'],
  ['WRITE_IDLE_TIMEOUT_MS', String(LIMITS.writeIdleTimeoutMs), 'how long a client may read nothing of its answer'],
  ['CLIENT_IDLE_TIMEOUT_MS', String(LIMITS.clientIdleTimeoutMs), 'how long an idle connection is kept'],
  ['MAX_CONNECTIONS', String(LIMITS.maxConnections), 'open connections of clients, of each process'],
  ['MAX_REQUESTS_IN_FLIGHT', String(LIMITS.maxRequestsInFlight), 'requests at once, of each process; above it 503'],
  ['MAX_HEAP_PERCENT', String(LIMITS.maxHeapPercent), 'memory above which few requests are served at once; 0: never'],
  ['UPSTREAM_MAX_CONNECTIONS', String(UPSTREAM.maxConnections), 'connections to one upstream, of each process'],
  ['UPSTREAM_IDLE_TIMEOUT_MS', String(UPSTREAM.idleTimeoutMs), 'how long an idle one is kept'],
  ['UPSTREAM_MAX_HEADER_BYTES', String(UPSTREAM.maxHeaderBytes), 'head of an answer, and its trailers'],
  [
    'UPSTREAM_EJECT_AFTER_FAILURES',
    String(UPSTREAM.health.ejectAfterFailures),
    'failures in a row after which an address takes no part for a while; 0: never',
  ],
  [
    'UPSTREAM_EJECT_SECONDS',
    String(UPSTREAM.health.ejectMs / 1_000),
    'for how long; again and again: up to 8 times it',
  ],
  [
    'UPSTREAM_EJECT_ON_5XX',
    String(UPSTREAM.health.countsErrorAnswers),
    'true: answers 502, 503 and 504 are failures too',
  ],
  [
    'UPSTREAM_RETRY_BUDGET_PERCENT',
    String(UPSTREAM.health.retryBudgetPercent),
    'of requests, may be sent a second time',
  ],
  ['UPSTREAM_CA_FILE', 'none', 'PEM; authorities that are trusted beside the usual ones'],
  ['UPSTREAM_CLIENT_CERT_FILE', 'none', 'PEM; certificate shown to upstreams, with its chain'],
  ['UPSTREAM_CLIENT_KEY_FILE', 'none', 'PEM; its key'],
  ['JWKS_ALLOW_PRIVATE_HOSTS', String(DEFAULTS.jwksAllowPrivateHosts), 'true: key sets from private hosts and by http'],
  ['JWKS_STALE_LIMIT_SECONDS', String(DEFAULTS.jwksStaleLimitSeconds), 'how long a key set serves when its host fails'],
  ['VERIFIED_TOKEN_CACHE_ENTRIES', String(TOKENS.entries), 'good tokens remembered, of each process; 0: none'],
  ['VERIFIED_TOKEN_CACHE_BYTES', String(TOKENS.bytes), 'memory for them; 0: none'],
  ['LOGIN_FAILURES_PER_USER', String(DEFAULTS.loginFailuresPerUser), 'failed logins of a user from an address; 0: any'],
  ['LOGIN_FAILURES_PER_ADDRESS', String(DEFAULTS.loginFailuresPerAddress), 'failed logins from an address; 0: any'],
  ['LOGIN_BLOCK_SECONDS', String(DEFAULTS.loginBlockSeconds), 'how long logins are refused after that'],
  ['PASSWORD_CHECKS_WAITING', String(DEFAULTS.passwordChecksWaiting), 'password checks that may wait in line'],
  ['DRAIN_TIMEOUT_MS', String(DEFAULTS.drainTimeoutMs), 'how long a stop waits for requests in flight'],
  ['FAULT_CODES', DEFAULTS.faultCodes, "documented or observed: which of Apigee's fault codes are answered"],
  ['LOG_LEVEL', DEFAULTS.logLevel, LOG_LEVELS.join(', ')],
  [
    'ACCESS_LOG_SAMPLE_RATE',
    String(OBSERVABILITY.accessLogSampleRate),
    'share of exchanges with a line in the access log',
  ],
  ['ACCESS_LOG_ALWAYS', 'none; errors above rate 0', 'errors: refusals and failures have a line whatever the rate'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'none: no traces', 'OTLP collector (HTTP) that traces are sent to'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'none', 'name=value, comma-separated; sent with them'],
  ['OTEL_EXPORTER_OTLP_HEADERS_FILE', 'none', 'file with them, in place of OTEL_EXPORTER_OTLP_HEADERS'],
  ['OTEL_SERVICE_NAME', OBSERVABILITY.serviceName, 'name of this program in traces'],
  ['OTEL_TRACES_SAMPLER_ARG', String(OBSERVABILITY.traceRatio), 'share of the traces begun here that is recorded'],
];

/** What `--help` prints. */
export function settingsHelp(): string {
  const width = (column: 0 | 1): number => Math.max(...SETTINGS.map((setting) => setting[column].length)) + 2;
  const lines = SETTINGS.map((s) => `  ${s[0].padEnd(width(0))}${s[1].padEnd(width(1))}${s[2]}`);
  return ['Gateway of one environment. Settings are environment variables:', '', ...lines, ''].join('\n');
}
