import type { ClientRecord, CredentialRecord } from '#libs/policy-contracts';
import type { LinkedProxy } from '#libs/policy-runtime';

/** Who may ask for tokens, read at token time. Both throw `IdentityUnavailable` when it cannot be known now. */
export interface IdentityDirectory {
  client(clientId: string): Promise<ClientRecord | undefined>;
  credential(username: string): Promise<CredentialRecord | undefined>;
}

/** What the token services ask of a proxy. */
export type IssuingProxy = Pick<LinkedProxy, 'artifact' | 'issuers' | 'credentialIssuers'>;

/** The proxies this gateway serves now. */
export interface IssuerDirectory {
  proxy(proxyId: string): IssuingProxy | undefined;
  /** The proxy of a name; undefined: it is not deployed here. */
  proxyNamed(project: string, proxy: string): IssuingProxy | undefined;
  /** Every proxy that is deployed here. */
  all(): Iterable<IssuingProxy>;
}

/** Where identities are kept is away. */
export class IdentityUnavailable extends Error {
  readonly code = 'IDENTITY_UNAVAILABLE';
  constructor(options?: ErrorOptions) {
    super('clients and credentials cannot be read now', options);
    this.name = 'IdentityUnavailable';
  }
}
