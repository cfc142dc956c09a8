export interface TokenHttpRequest {
  readonly method: string;
  /** Normalised. */
  readonly path: string;
  readonly queryString: string;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly clientAddress: string;
  readonly nowMs: number;
  readonly correlationId: string;
}

export interface TokenHttpResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** The token service behind the traffic port. Its refusals are answers; it rejects only when something is broken. */
export interface TokenEndpointPort {
  /** True for the paths that it answers, at the root whatever the root context is. */
  owns(path: string): boolean;
  handle(request: TokenHttpRequest): Promise<TokenHttpResponse>;
}
