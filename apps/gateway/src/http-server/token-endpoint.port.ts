import type { TokenHttpRequest, TokenHttpResponse } from '../token-endpoint/protocol/token-http.ts';

/** The token service behind the traffic port. Its refusals are answers; it rejects only when something is broken. */
export interface TokenEndpointPort {
  /** True for the paths that it answers, at the root whatever the root context is. */
  owns(path: string): boolean;
  handle(request: TokenHttpRequest): Promise<TokenHttpResponse>;
}
