/** `auth`: of policies with `managedFromThisPolicy`; `credential`: of the others (contract 6). */
export type TokenServiceName = 'auth' | 'credential';

/** What a token service does at one path. */
export type TokenEndpointName = 'jwt' | 'introspect' | 'revoke' | 'keys' | 'metadata';

export interface TokenPlace {
  readonly service: TokenServiceName;
  readonly endpoint: TokenEndpointName;
}

const WITHIN: { readonly [Name in TokenEndpointName]: string } = {
  jwt: 'jwt',
  introspect: 'introspect',
  revoke: 'revoke',
  keys: '.well-known/jwks.json',
  metadata: '.well-known/oauth-authorization-server',
};
const SERVICES: readonly TokenServiceName[] = ['auth', 'credential'];

/** The path that clients are told. */
export const tokenPathOf = (service: TokenServiceName, endpoint: TokenEndpointName): string =>
  `/${service}/${WITHIN[endpoint]}`;

const PLACES: ReadonlyMap<string, TokenPlace> = new Map(
  SERVICES.flatMap((service) => [
    ...(Object.keys(WITHIN) as TokenEndpointName[]).map((endpoint): [string, TokenPlace] => [
      tokenPathOf(service, endpoint),
      { service, endpoint },
    ]),
    // RFC 8414 section 3: the well-known part goes before the path of the issuer.
    [`/.well-known/oauth-authorization-server/${service}`, { service, endpoint: 'metadata' }] as [string, TokenPlace],
  ]),
);
const OWN_TREES = /^\/(?:auth|credential)(?:\/|$)/;

/** undefined: there is nothing at this path. */
export const tokenPlaceAt = (path: string): TokenPlace | undefined => PLACES.get(path);

/** Whether a path belongs to the token services, and so never to a proxy. */
export const isTokenPath = (path: string): boolean => OWN_TREES.test(path) || PLACES.has(path);
