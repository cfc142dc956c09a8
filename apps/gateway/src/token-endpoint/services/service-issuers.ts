import type { LinkedIssuer } from '#libs/policy-runtime';
import type { IssuingProxy } from '../identity/identity.port.ts';
import type { TokenServiceName } from './token-places.ts';

/** Policies of a proxy that issue tokens under one of the two services. */
export const issuersFor = (proxy: IssuingProxy, service: TokenServiceName): readonly LinkedIssuer[] =>
  service === 'auth' ? proxy.issuers : proxy.credentialIssuers;
