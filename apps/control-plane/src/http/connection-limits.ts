import type { Server } from 'node:http';
import type { ControlPlaneConfig } from '../config/control-plane.config.ts';
import type { Logger } from '#libs/program-shell';

/** A client sends its headers at once; who sends one now and then keeps a connection from others. */
const HEADERS_ARRIVE_WITHIN_MS = 15_000;
/** Node looks this often for requests that are overdue; its own 30 s would be twice as long as what they have. */
const OVERDUE_LOOKED_FOR_EVERY_MS = 5_000;
const REPORTED_EVERY_MS = 60_000;

/** Without the host check of Node, which answers without our envelope. */
export const CONNECTION_OPTIONS = {
  requireHostHeader: false,
  headersTimeout: HEADERS_ARRIVE_WITHIN_MS,
  connectionsCheckingInterval: OVERDUE_LOOKED_FOR_EVERY_MS,
} as const;

interface Limited {
  readonly config: Pick<ControlPlaneConfig, 'maxConnections'>;
  readonly logger: Logger;
}

/** Closes connections beyond the limit at once, and says so, though not for each of them. */
export function limitConnections(server: Server, { config: { maxConnections }, logger }: Limited): void {
  server.maxConnections = maxConnections;
  // Node leaves out headers beyond a number without a word, so that two readers could see two requests. Their size is bounded.
  server.maxHeadersCount = 0;
  let reportedAtMs = -Infinity;
  server.on('drop', () => {
    const nowMs = performance.now();
    if (nowMs - reportedAtMs < REPORTED_EVERY_MS) return;
    reportedAtMs = nowMs;
    logger.warn({ maxConnections }, 'connections are refused: as many are open as MAX_CONNECTIONS allows');
  });
}
