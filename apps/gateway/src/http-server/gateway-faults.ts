import { envelopeFault, type Fault } from '#libs/policy-runtime';

/** On every answer and every request to an upstream. */
export const CORRELATION_HEADER = 'APINIZER-CORRELATION-ID';

/** In `Via`. */
export const PSEUDONYM = 'gatewarden';

/**
 * The gateway's own faults: status, code and text. `ERR-…` are Apinizer's codes; it publishes none for the others, which
 * have codes of our own (`GWD-…`). A code is never renamed or reused: GWD-008 was a WebSocket
 * upgrade before there was one. Policies have three: GWD-015 when they may not know of revoked tokens, GWD-016 when too many tokens wait to be decrypted, GWD-017 when nothing is known of a credential.
 */
const GATEWAY_FAULTS = {
  proxyNotFound: [404, 'ERR-002', 'ApiProxy is not found for related URL!'],
  endpointNotFound: [404, 'ERR-006', 'Method not found or disabled!'],
  methodNotAllowed: [405, 'ERR-006', 'Method not found or disabled!'],
  badRequest: [400, 'GWD-001', 'Request is not valid HTTP!'],
  badPath: [400, 'GWD-002', 'Path of the request is not valid!'],
  requestTimeout: [408, 'GWD-003', 'Request was not complete in time!'],
  bodyTooLarge: [413, 'GWD-004', 'Body of the request is too large!'],
  expectationFailed: [417, 'GWD-005', 'Expectation of the request is not supported!'],
  headersTooLarge: [431, 'GWD-006', 'Headers of the request are too large!'],
  internalError: [500, 'GWD-007', 'Gateway could not process the request!'],
  upstreamUnreachable: [502, 'GWD-009', 'Backend API is not reachable!'],
  upstreamForbidden: [502, 'GWD-010', 'Backend API address is not allowed!'],
  upstreamBroken: [502, 'GWD-011', 'Backend API did not answer correctly!'],
  notReady: [503, 'GWD-012', 'Gateway has no configuration yet!'],
  upstreamTimeout: [504, 'GWD-013', 'Backend API did not answer in time!'],
  versionNotSupported: [505, 'GWD-014', 'HTTP version is not supported!'],
  urlTooLong: [414, 'GWD-018', 'URL of the request is too long!'],
  overloaded: [503, 'GWD-019', 'Gateway has too much to do!'],
  upstreamBusy: [503, 'GWD-020', 'Backend API has too much to do!'],
} as const satisfies Record<string, readonly [status: number, code: string, text: string]>;

export type GatewayFaultName = keyof typeof GATEWAY_FAULTS;

/** A fault of the gateway and, for logs, its cause. */
export interface GatewayRefusal {
  readonly name: GatewayFaultName;
  readonly reason: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/** The answer to a refusal in Apinizer's envelope (contract 5). */
export function gatewayFault(refusal: GatewayRefusal, correlationId: string): Fault {
  const [status, code, text] = GATEWAY_FAULTS[refusal.name];
  const { reason, headers } = refusal;
  return envelopeFault({ status, code, text, correlationId, headers, policy: '', reason });
}
