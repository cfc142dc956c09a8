import { PUBLISHED_KEYS_MAX_AGE_SECONDS } from '#libs/policy-contracts';
import { unavailable, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import type { PublicDocument } from '../public-documents/public-document.ts';
import type { TokenServiceName } from '../services/token-places.ts';
import type { PublishedKeys } from './published-keys.ts';

/** The key set of a service (contract 6). */
export function publishedKeySet(service: TokenServiceName, keys: PublishedKeys): PublicDocument | OAuthRefusal {
  const body = keys.documentOf(service);
  if (body === undefined) return unavailable('This gateway has no configuration yet.', 'no-configuration');
  // RFC 7517 section 8.5.2.
  const contentType = 'application/jwk-set+json';
  return { kind: 'document', contentType, maxAgeSeconds: PUBLISHED_KEYS_MAX_AGE_SECONDS, variesBy: [], body };
}
