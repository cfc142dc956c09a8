import type { ErrorTemplateValues, ErrorTemplateVariable } from '#libs/policy-contracts';
import { TOKEN_PARAMETER, type Fault } from '#libs/policy-runtime';
import type { RouteMatch } from '../router/router.ts';
import type { ClientFacts } from './client-facts.ts';
import { withCors } from './cors.ts';
import type { RequestHead } from './request-head.ts';
import { visibleQuery } from './upstream-headers.ts';
import { withVary } from './vary.ts';

/** The request that is answered. */
export interface ShapedRequest {
  readonly head: RequestHead;
  readonly client: ClientFacts;
}

const HIDDEN_PARAMETERS: ReadonlySet<string> = new Set([TOKEN_PARAMETER]);

const pairs = (list: readonly string[]): Fault['headers'] =>
  list.flatMap((name, at): Fault['headers'] => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : []));

/** Whether answers on this route have a shape of their own at all; most have none, which costs nothing. */
export const hasShape = ({ proxy: { artifact, errorBody }, variesBy }: RouteMatch): boolean =>
  artifact.cors !== undefined || errorBody !== undefined || variesBy !== undefined;

/**
 * How the answers on one route look to one request: the proxy's CORS headers and what they vary by on all, its error
 * template on the gateway's faults.
 */
export class AnswerShape {
  constructor(
    private readonly match: RouteMatch,
    private readonly request: ShapedRequest,
  ) {}

  /** Headers (name, value, …) as the client gets them. */
  headers(list: readonly string[]): readonly string[] {
    const { proxy, variesBy } = this.match;
    const { cors } = proxy.artifact;
    const answer = cors === undefined ? list : withCors(list, cors, this.request.head.headers.value('origin'));
    return variesBy === undefined ? answer : withVary(answer, variesBy);
  }

  /** A fault as the client gets it; not yet its headers. */
  fault(fault: Fault): Fault {
    const { errorBody } = this.match.proxy;
    if (errorBody === undefined || fault.envelope === undefined) return fault;
    return { ...fault, body: errorBody(this.#valuesOf(fault.status, fault.envelope)) };
  }

  /** The fault with the headers that every answer of the proxy has: a browser may read a 401 as well. */
  withHeaders(fault: Fault): Fault {
    return { ...fault, headers: pairs(this.headers(fault.headers.flat())) };
  }

  #valuesOf(status: number, { code, text }: NonNullable<Fault['envelope']>): ErrorTemplateValues {
    const { head, client } = this.request;
    const { proxy, pathSuffix } = this.match;
    const { artifact } = proxy;
    // This version has no texts of its own for single errors: the customized values are the default ones.
    const values: Readonly<Record<ErrorTemplateVariable, () => string>> = {
      'error.defaultErrorCode': () => code,
      'error.defaultMessage': () => text,
      'error.defaultHttpCode': () => String(status),
      'error.customizedErrorCode': () => code,
      'error.customizedMessage': () => text,
      'error.customizedHttpCode': () => String(status),
      'request.method': () => head.method,
      'request.uri': () => head.path,
      'request.contentType': () => head.headers.value('content-type') ?? '',
      'request.remoteAddress': () => client.clientAddress,
      'request.queryString': () => visibleQuery(head.queryString, HIDDEN_PARAMETERS),
      'request.pathInfo': () => pathSuffix,
      'request.contextPath': () => head.path.slice(0, head.path.length - pathSuffix.length),
      'message.correlationId': () => client.correlationId,
      'apiProxy.id': () => artifact.proxyId,
      'apiProxy.name': () => artifact.proxy,
    };
    return (name) => values[name]();
  }
}
