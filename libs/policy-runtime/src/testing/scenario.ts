import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import type { LinkedRoute } from '../pipeline/link-route.ts';
import type { RequestParts } from './artifacts.ts';

/** What the address of a scenario's key set answers from a second on. The first is there before the policy is linked, at second 0. */
export interface ServedKeySet {
  readonly fromSecond: number;
  readonly status: number | 'unreachable';
  readonly body: string;
}

/** A request, and what becomes of it by `FAULT_CODES`. */
export interface KeySetMoment {
  readonly atSecond: number;
  readonly token: string;
  /** `pass`, or the fault's name. */
  readonly documented: string;
  readonly observed: string;
  /** How often the address was asked since second 0, prefetch included, once the request is answered. */
  readonly fetches: { readonly documented: number; readonly observed: number } | 'not counted';
}

/** A key set over time. Seconds count from the moment the policy is linked, whose prefetch is the first fetch. */
export interface KeySetLife {
  readonly name: string;
  readonly served: readonly ServedKeySet[];
  readonly moments: readonly KeySetMoment[];
}

/** What one row of the table means as a policy and a request. The expectation stays in the table. */
export interface Scenario {
  /** Members of the policy beside its type; `policy-verify-jwt` throughout. */
  readonly policy: Readonly<Record<string, unknown>>;
  /** Sent as the default source unless `request` is given. */
  readonly token?: string;
  readonly request?: RequestParts;
  readonly policyName?: string;
  /** Environment variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Custom flow variables. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Rows about a key set that is fetched: its requests are told here, and what each of them meets with. */
  readonly keySetLives?: readonly KeySetLife[];
  /** What the table says in words beside the code. */
  readonly also?: (exchange: Exchange, fault: Fault | undefined, route: LinkedRoute) => void;
}
