import type { ArtifactCors } from '#libs/policy-contracts';
import {
  commonCors,
  NO_CORS,
  permittingCors,
  preflightAnswer,
  preflightOf,
  withCors,
  type Preflight,
} from '../../cors/cors.ts';
import type { IssuerDirectory } from '../identity/identity.port.ts';
import { headerValues, type TokenHttpRequest, type TokenHttpResponse } from '../protocol/token-http.ts';
import { issuersFor } from '../services/service-issuers.ts';
import type { TokenServiceName } from '../services/token-places.ts';

/** Lines of one name joined (RFC 9110 section 5.3). */
function headerValue({ rawHeaders }: TokenHttpRequest, name: string): string | undefined {
  const lines = headerValues(rawHeaders, name);
  return lines.length === 0 ? undefined : lines.join(', ');
}

/** undefined: the request is no preflight. */
export const preflightIn = (request: TokenHttpRequest): Preflight | undefined =>
  preflightOf({ method: request.method, headers: { value: (name) => headerValue(request, name) } });

const pairs = (list: readonly string[]): TokenHttpResponse['headers'] =>
  list.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : []));

/**
 * What scripts of other origins may ask of a token service and read: by the CORS settings of the proxies that tokens are
 * asked for (Apinizer: a proxy's own settings apply to its token requests). While nobody knows which these are, what some
 * proxy of the service permits is permitted: a script must be able to ask, and to read that its client is unknown.
 */
export class BrowserRules {
  constructor(private readonly issuers: IssuerDirectory) {}

  /** A preflight names no client. undefined: the request is none, or no proxy of the service has CORS settings. */
  preflightAnswer(service: TokenServiceName, request: TokenHttpRequest): TokenHttpResponse | undefined {
    const preflight = preflightIn(request);
    if (preflight === undefined) return undefined;
    const settings = this.settingsOf(service);
    if (settings.length === 0) return undefined;
    return preflightAnswer(permittingCors(settings, preflight) ?? NO_CORS, preflight);
  }

  /**
   * The answer as a browser gets it.
   *
   * @param ofClient settings of the proxies that a client asks for: all must permit; undefined or none: nobody knows them
   */
  readable(
    answer: TokenHttpResponse,
    service: TokenServiceName,
    request: TokenHttpRequest,
    ofClient: readonly (ArtifactCors | undefined)[] | undefined,
  ): TokenHttpResponse {
    const isUnknown = ofClient === undefined || ofClient.length === 0;
    if (!isUnknown && ofClient.every((cors) => cors === undefined)) return answer;
    const origin = headerValue(request, 'origin');
    const cors = isUnknown ? this.ofSomeProxy(service, origin) : commonCors(ofClient);
    if (cors === undefined) return answer;
    return { ...answer, headers: pairs(withCors(answer.headers.flat(), cors, origin)) };
  }

  private ofSomeProxy(service: TokenServiceName, origin: string | undefined): ArtifactCors | undefined {
    const settings = this.settingsOf(service);
    return settings.length === 0 ? undefined : (permittingCors(settings, origin) ?? NO_CORS);
  }

  private settingsOf(service: TokenServiceName): ArtifactCors[] {
    return [...this.issuers.all()].flatMap((proxy) => {
      const { cors } = proxy.artifact;
      return cors === undefined || issuersFor(proxy, service).length === 0 ? [] : [cors];
    });
  }
}
