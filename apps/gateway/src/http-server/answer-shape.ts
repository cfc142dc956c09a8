import type { ErrorTemplateKind, ErrorTemplateValues, ErrorTemplateVariable } from '#libs/policy-contracts';
import { TOKEN_PARAMETER, type ErrorBodies, type Fault } from '#libs/policy-runtime';
import type { RouteMatch } from '../router/router.ts';
import type { ClientFacts } from './client-facts.ts';
import { withCors } from '../cors/cors.ts';
import type { RequestHead } from './request-head.ts';
import { visibleQuery } from './upstream-headers.ts';
import { withVary } from '../cors/vary.ts';

/** The request that is answered. */
export interface ShapedRequest {
  readonly head: RequestHead;
  readonly client: ClientFacts;
}

const HIDDEN_PARAMETERS: ReadonlySet<string> = new Set([TOKEN_PARAMETER]);

const pairs = (list: readonly string[]): Fault['headers'] =>
  list.flatMap((name, at): Fault['headers'] => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : []));

const JSON_TYPE = /^\s*application\/(?:[^\s;,]+\+)?json\s*(?:;|$)/i;
const XML_TYPE = /^\s*(?:application|text)\/(?:[^\s;,]+\+)?xml\s*(?:;|$)/i;

/**
 * Apinizer's choice: by the type of what the client sent, JSON where it sent nothing. A client that sent nothing and names
 * an XML type first in `Accept` gets that. Where only one of the two is there, it is that one.
 */
function errorKindFor({ headers }: RequestHead, bodies: ErrorBodies): ErrorTemplateKind {
  if (bodies.json === undefined || bodies.xml === undefined) return bodies.json === undefined ? 'xml' : 'json';
  const sent = headers.value('content-type');
  if (sent === undefined) return XML_TYPE.test((headers.value('accept') ?? '').split(',', 1)[0] ?? '') ? 'xml' : 'json';
  return JSON_TYPE.test(sent) ? 'json' : 'xml';
}

const asXml = (headers: Fault['headers']): Fault['headers'] =>
  headers.map(([name, value]) => [name, name === 'Content-Type' ? 'text/xml;charset=UTF-8' : value]);

/** Whether answers on this route have a shape of their own at all; most have none, which costs nothing. */
export const hasShape = ({ proxy: { artifact, errorBodies }, variesBy }: RouteMatch): boolean =>
  artifact.cors !== undefined || errorBodies !== undefined || variesBy !== undefined;

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
    const { errorBodies } = this.match.proxy;
    if (errorBodies === undefined || fault.envelope === undefined) return fault;
    const kind = errorKindFor(this.request.head, errorBodies);
    const body = errorBodies[kind]?.(this.#valuesOf(fault.status, fault.envelope)) ?? fault.body;
    return { ...fault, body, headers: kind === 'xml' ? asXml(fault.headers) : fault.headers };
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
