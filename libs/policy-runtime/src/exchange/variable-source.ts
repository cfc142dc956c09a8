import type { ProxyArtifact } from '#libs/policy-contracts';
import type { Fault } from './fault.ts';

/** What the gateway knows of a request when it looks for its proxy. */
export interface ExchangeRequest {
  /** Upper case. */
  readonly method: string;
  /** Normalised path, percent-encoded, without the query. */
  readonly path: string;
  /** Without `?`; empty when there is none. */
  readonly queryString: string;
  /** name, value, name, value … as node:http gives them. */
  readonly rawHeaders: readonly string[];
  readonly httpVersion: string;
  /** The other end of the connection, and the client after evaluation of `X-Forwarded-For`. */
  readonly peerAddress: string;
  readonly clientAddress: string;
  readonly host: string;
  readonly scheme: 'http' | 'https';
  /** The body, when the route said it needs it (`LinkedRoute.readsRequestBody`); at most 1 MiB. */
  readonly body: Buffer | undefined;
}

export interface ExchangeResponse {
  status: number;
  /** Lower-case names. */
  headers: Map<string, string>;
}

/** A number together with its text as written: a double does not keep 12345678901234567890, nor tell 1.0 from 1. */
export interface ExactNumber {
  readonly number: number;
  readonly text: string;
}

/** undefined: the variable is unset, Apigee's null. */
export type VariableValue = string | number | boolean | ExactNumber | readonly string[] | undefined;

/** Values by name; one name may have several. */
export type ValuesByName = ReadonlyMap<string, readonly string[]>;

/** Which flow runs; `message.*` means another message in each. */
export type FlowPhase = 'request' | 'response' | 'error';

/** What an exchange needs of the proxy that serves it. */
export interface ServedProxy {
  readonly artifact: ProxyArtifact;
}

/** Everything a flow variable can be computed from. */
export interface VariableSource {
  readonly request: ExchangeRequest;
  readonly proxy: ServedProxy;
  readonly pathSuffix: string;
  readonly startedAtMs: number;
  readonly correlationId: string;
  readonly phase: FlowPhase;
  /** Time of the pipeline that runs, in milliseconds. */
  readonly nowMs: number;
  readonly response: ExchangeResponse | undefined;
  readonly fault: Fault | undefined;
  /** `fault.name`: of the last failure, one that `continueOnError` let pass included. */
  readonly faultName: string | undefined;
  /** Variables that were set; a name with the value undefined was unset. undefined: none ever was. */
  readonly customVariables: ReadonlyMap<string, VariableValue> | undefined;
  /** The lines of a header of the request by its lower-case name; undefined: it has none. */
  headerLines(name: string): readonly string[] | undefined;
  queryParameters(): ValuesByName;
  formParameters(): ValuesByName;
  /** A variable of a policy that ran: `jwt.<policy name>.…`. */
  tokenVariable(name: string): VariableValue;
}
