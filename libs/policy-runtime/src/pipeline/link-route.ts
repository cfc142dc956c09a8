import type { ArtifactEndpoint, ArtifactPipelines, PlacedPolicy } from '#libs/policy-contracts';
import { readsRequestBody } from '../exchange/compile-variable.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import { inSequence, whenAnswered, type Outcome, type Step } from '../linking/step.ts';
import { PathTemplate, decodeSegment } from './path-template.ts';
import { tokenParametersOf } from './policy-linkers.ts';
import { referencedVariables } from './referenced-variables.ts';

/** Where a request goes inside a proxy; a proxy without endpoints has one that matches everything. */
export interface LinkedRoute {
  /** Name of the endpoint: its path template. */
  readonly endpoint: string | undefined;
  /**
   * Path to ask the upstream for, relative to its address: the path suffix, or the endpoint's backendResourceUrl with its
   * parameters filled in, re-encoded.
   */
  backendPath(pathSuffix: string): string;
  readonly backendMethod: string | undefined;
  /** Some active policy reads a form parameter or the whole body. */
  readonly readsRequestBody: boolean;
  /** Proxy level, then endpoint level, by order; synchronous unless a step waits. */
  runRequest(exchange: Exchange, nowMs: number): Outcome;
  /** Endpoint first, then proxy. */
  runResponse(exchange: Exchange, nowMs: number): Outcome;
  /**
   * The ERROR pipeline, proxy level first. A fault of one of its policies ends it, as in every pipeline. What a
   * `policy-raise-fault` raises becomes the answer; any other fault changes nothing, and the first one stays it.
   */
  runError(exchange: Exchange, fault: Fault, nowMs: number): Fault | Promise<Fault>;
  readonly hasResponsePipeline: boolean;
}

export interface LinkedPipelines {
  readonly request: readonly Step[];
  readonly response: readonly Step[];
  readonly error: readonly Step[];
}

export const NO_STEPS: LinkedPipelines = { request: [], response: [], error: [] };

export const allPolicies = ({ request, response, error }: ArtifactPipelines): PlacedPolicy[] => [
  ...request,
  ...response,
  ...error,
];

export const activePolicies = (pipelines: ArtifactPipelines): PlacedPolicy[] =>
  allPolicies(pipelines).filter(({ policy }) => policy.active);

const raise = (exchange: Exchange, fault: Fault | undefined): Fault | undefined => {
  if (fault !== undefined) exchange.raise(fault);
  return fault;
};

const runStep = (step: Step, exchange: Exchange, nowMs: number): Outcome =>
  whenAnswered(step(exchange, nowMs), (fault) => raise(exchange, fault));

/** What the client sends but the upstream never sees, whatever the policies decide. */
interface Guards {
  readonly headers: readonly string[];
  readonly parameters: readonly string[];
}

function runnersOf(proxyLevel: LinkedPipelines, endpointLevel: LinkedPipelines, guards: Guards) {
  const request = inSequence([...proxyLevel.request, ...endpointLevel.request]);
  const response = inSequence([...endpointLevel.response, ...proxyLevel.response]);
  const error = inSequence([...proxyLevel.error, ...endpointLevel.error]);
  return {
    runRequest: (exchange: Exchange, nowMs: number): Outcome => {
      exchange.phase = 'request';
      exchange.nowMs = nowMs;
      for (const header of guards.headers) exchange.upstreamHeaders.set(header, undefined);
      for (const parameter of guards.parameters) exchange.hideQueryParameter(parameter);
      return runStep(request, exchange, nowMs);
    },
    runResponse: (exchange: Exchange, nowMs: number): Outcome => {
      exchange.phase = 'response';
      exchange.nowMs = nowMs;
      return runStep(response, exchange, nowMs);
    },
    runError: (exchange: Exchange, fault: Fault, nowMs: number): Fault | Promise<Fault> => {
      exchange.phase = 'error';
      exchange.nowMs = nowMs;
      exchange.raise(fault);
      return whenAnswered(error(exchange, nowMs), (last) => (last?.isRaised === true ? last : fault));
    },
    hasResponsePipeline: proxyLevel.response.length + endpointLevel.response.length > 0,
  };
}

/** The way an endpoint's requests are sent on; `name` and the backend's path have been checked. */
function backendPathOf(endpoint: ArtifactEndpoint | undefined): (pathSuffix: string) => string {
  const backend = endpoint?.backendResourceUrl;
  if (endpoint === undefined || backend === undefined || backend === '') return (pathSuffix) => pathSuffix;
  const template = PathTemplate.parse(endpoint.name);
  const target = PathTemplate.parse(backend);
  if (template === undefined || target === undefined) return (pathSuffix) => pathSuffix;
  return (pathSuffix) =>
    target.fill(template.match(PathTemplate.split(pathSuffix).map(decodeSegment)) ?? new Map<string, string>());
}

export interface RouteParts {
  readonly endpoint: ArtifactEndpoint | undefined;
  readonly proxyLevel: LinkedPipelines;
  readonly endpointLevel: LinkedPipelines;
  /** Active policies of both levels. */
  readonly policies: readonly PlacedPolicy[];
  /** Headers that the client's own never get through, by lower-case name: the same for every route of a proxy. */
  readonly guardedHeaders: readonly string[];
}

export function linkRoute(parts: RouteParts): LinkedRoute {
  const { endpoint, proxyLevel, endpointLevel, policies, guardedHeaders: headers } = parts;
  const parameters = [...new Set(policies.flatMap(({ policy }) => tokenParametersOf(policy)))];
  return {
    endpoint: endpoint?.name,
    backendPath: backendPathOf(endpoint),
    backendMethod: endpoint?.backendHttpMethod,
    readsRequestBody: policies.some(({ policy }) => referencedVariables(policy).some(readsRequestBody)),
    ...runnersOf(proxyLevel, endpointLevel, { headers, parameters }),
  };
}
