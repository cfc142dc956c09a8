import { badClient, readClientClaim } from '../identity/client-authentication.ts';
import type { Parameters } from '../protocol/form-parameters.ts';
import type { OAuthRefusal } from '../protocol/oauth-refusal.ts';
import type { TokenHttpRequest } from '../protocol/token-http.ts';
import type { KnownClient, TokenService } from '../services/token-service.ts';
import type { TokenTrail } from './token-trail.ts';

/** A client that exists; its secret may still be unproven. */
export interface IdentifiedClient {
  readonly kind: 'identified';
  readonly client: KnownClient;
  readonly isBasic: boolean;
}

/** Who asks (RFC 6749 section 2.3); from here on it is on the trail. */
export async function identifyClient(
  service: TokenService,
  request: TokenHttpRequest,
  parameters: Parameters,
  trail: TokenTrail,
): Promise<IdentifiedClient | OAuthRefusal> {
  const claim = readClientClaim(request.rawHeaders, parameters);
  if (claim.kind === 'refused') return claim;
  const client = await service.findClient(claim, request);
  if (client.kind === 'refused') return client;
  trail.clientId = client.clientId;
  trail.proxy = client.title;
  trail.cors = service.proxiesAskedFor(client, parameters, request.nowMs).map(({ artifact }) => artifact.cors);
  return { kind: 'identified', client, isBasic: claim.isBasic };
}

/** The client of a request that only a proven secret is good for. */
export async function authenticateClient(
  service: TokenService,
  request: TokenHttpRequest,
  parameters: Parameters,
  trail: TokenTrail,
): Promise<KnownClient | OAuthRefusal> {
  const identified = await identifyClient(service, request, parameters, trail);
  if (identified.kind === 'refused') return identified;
  const { client, isBasic } = identified;
  return client.hasProvenSecret ? client : badClient(isBasic, 'wrong-client-secret');
}
