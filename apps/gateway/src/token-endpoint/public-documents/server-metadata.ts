import { givesRefreshTokens } from '../grants/grant.ts';
import type { IssuingProxy } from '../identity/identity.port.ts';
import { refuse, unavailable, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { issuersFor } from '../services/service-issuers.ts';
import { tokenPathOf, type TokenServiceName } from '../services/token-places.ts';
import type { PublicDocument } from './public-document.ts';

/** Changes with every deployment that brings another grant. */
const MAX_AGE_SECONDS = 60;
const WITH_SECRET = ['client_secret_basic', 'client_secret_post'];
const GRANT_TYPE = { PASSWORD: 'password', CLIENT_CREDENTIALS: 'client_credentials' } as const;

/** That of the service's own policies before any other; which proxy is asked is the same on every gateway. */
function issuerNameOf(service: TokenServiceName, proxies: readonly IssuingProxy[]): string | undefined {
  const titleOf = ({ artifact }: IssuingProxy): string => `${artifact.project}/${artifact.proxy}`;
  const byTitle = [...proxies].sort((one, other) => (titleOf(one) < titleOf(other) ? -1 : 1));
  const chosen = byTitle.find((proxy) => issuersFor(proxy, service).length > 0) ?? byTitle[0];
  return chosen?.artifact.environment.tokenIssuer;
}

function grantTypesOf(service: TokenServiceName, proxies: readonly IssuingProxy[]): string[] {
  const policies = proxies.flatMap((proxy) => issuersFor(proxy, service)).map(({ contract }) => contract);
  const names = new Set<string>(policies.map(({ grantType }) => GRANT_TYPE[grantType]));
  if (policies.some(givesRefreshTokens)) names.add('refresh_token');
  return [...names].sort();
}

function hasPublicClients(service: TokenServiceName, proxies: readonly IssuingProxy[]): boolean {
  if (service === 'credential') return false;
  return proxies.some((proxy) => issuersFor(proxy, service)[0]?.contract.requireClientSecret === false);
}

/**
 * The metadata of RFC 8414. There is no authorization endpoint, so no response type; a list without an entry is written all
 * the same where leaving it out would mean a default (section 2).
 *
 * @param origin by which the client reached the gateway
 */
export function serverMetadata(
  service: TokenServiceName,
  all: Iterable<IssuingProxy>,
  origin: string | undefined,
): PublicDocument | OAuthRefusal {
  const proxies = [...all];
  const issuer = issuerNameOf(service, proxies);
  if (issuer === undefined) return unavailable('Nothing is deployed here yet.', 'no-configuration');
  if (origin === undefined) return refuse('invalid_request', 'The request names no host.', 'no-host');
  const at = (endpoint: Parameters<typeof tokenPathOf>[1]): string => origin + tokenPathOf(service, endpoint);
  const ownMethods = hasPublicClients(service, proxies) ? [...WITH_SECRET, 'none'] : WITH_SECRET;
  const body = JSON.stringify({
    issuer,
    token_endpoint: at('jwt'),
    jwks_uri: at('keys'),
    response_types_supported: [],
    grant_types_supported: grantTypesOf(service, proxies),
    token_endpoint_auth_methods_supported: ownMethods,
    introspection_endpoint: at('introspect'),
    introspection_endpoint_auth_methods_supported: WITH_SECRET,
    revocation_endpoint: at('revoke'),
    revocation_endpoint_auth_methods_supported: ownMethods,
  });
  // A cache in front knows the Host of what it keeps, but not who it was asked for behind a trusted proxy.
  const variesBy = ['X-Forwarded-Host', 'X-Forwarded-Proto'];
  return { kind: 'document', contentType: 'application/json', maxAgeSeconds: MAX_AGE_SECONDS, variesBy, body };
}
