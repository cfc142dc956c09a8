import type { AdminOrigin } from '../upstream/address-guard.ts';
import { DEFAULT_LIMITS, type RequestLimits } from './request-limits.ts';

/** What the traffic server and the upstream pool are told by the composition root. */
export interface GatewaySettings {
  /** Prefix of all API traffic, `''` or `/apigateway`; token endpoints stay at the root. For `claimsOf`. */
  readonly rootContext: string;
  /** CIDRs (or single addresses) whose `X-Forwarded-*` and correlation id are believed. Default: none. */
  readonly trustedProxies: readonly string[];
  /** `Forwarded` is written for every request, not only where a trusted proxy sent one. Default: false. */
  readonly addsForwarded: boolean;
  readonly limits: RequestLimits;
  /** Processes, this one among them, that have the memory of the machine for the same gateway. Default: 1. */
  readonly processes: number;
  /** Where the gateway's own admin endpoints listen; for `UpstreamPool`. */
  readonly adminOrigin: AdminOrigin | undefined;
}

export const GATEWAY_DEFAULTS: GatewaySettings = {
  rootContext: '',
  trustedProxies: [],
  addsForwarded: false,
  limits: DEFAULT_LIMITS,
  processes: 1,
  adminOrigin: undefined,
};

/** How a listener is watched and drained. */
export const LISTENER_PACE = {
  /** How often deadlines of connections are looked at. */
  deadlineCheckMs: 1_000,
  /** While draining: how long a connection without a request is kept, since its first one may be on its way. */
  drainIdleGraceMs: 250,
  /** While draining: how often idle connections are looked for after that. */
  drainIdleLookMs: 50,
} as const;
