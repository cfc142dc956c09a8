import type { AuthJwtContract, ClientRecord } from '#libs/policy-contracts';
import type { LinkedIssuer } from '#libs/policy-runtime';
import { badClient, type ClientClaim } from '../identity/client-authentication.ts';
import type { IdentityDirectory, IssuerDirectory, IssuingProxy } from '../identity/identity.port.ts';
import { ProvenSecrets } from '../identity/proven-secrets.ts';
import { refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import type { Issuance, KnownClient, LoginPlace, TokenService } from './token-service.ts';

const known = (record: ClientRecord, hasProvenSecret: boolean): KnownClient => ({
  kind: 'client',
  clientId: record.clientId,
  project: record.project,
  title: `${record.project}/${record.proxy}`,
  hasProvenSecret,
  roles: [],
  proofId: undefined,
  record,
});

/** `/auth`: the client is the key pair of a proxy, whose first active policy issues (contract 6). */
export class AuthService implements TokenService {
  readonly name = 'auth';
  readonly alwaysNeedsSecret = false;
  private readonly secrets = new ProvenSecrets();

  constructor(
    private readonly identities: IdentityDirectory,
    private readonly issuers: IssuerDirectory,
  ) {}

  async findClient(claim: ClientClaim): Promise<KnownClient | OAuthRefusal> {
    let found: KnownClient | undefined;
    for (const { clientId, secret } of claim.readings) {
      const record = await this.identities.client(clientId);
      if (record === undefined) continue;
      if (secret !== undefined && this.secrets.verify(record, secret)) return known(record, true);
      found ??= known(record, false);
    }
    return found ?? badClient(claim.isBasic, 'unknown-client');
  }

  issuanceFor(client: KnownClient): Issuance | OAuthRefusal {
    const { proxyId } = client.record as ClientRecord;
    const issuer = this.issuers.proxy(proxyId)?.issuers[0];
    if (issuer === undefined) {
      return refuse('unauthorized_client', 'Nothing issues tokens for this client here.', 'no-issuer');
    }
    const { policyName: policy, contract: rules, terms } = issuer;
    return { kind: 'issuance', proxyId, policy, title: client.title, rules, issuer, terms };
  }

  /** Only the first policy issues: a login of another one ends with that one's place. */
  issuanceOf(client: KnownClient, { proxyId, policy }: LoginPlace): Issuance | OAuthRefusal {
    const issuance = this.issuanceFor(client);
    if (issuance.kind === 'refused') return issuance;
    if (issuance.proxyId === proxyId && issuance.policy === policy) return issuance;
    return refuse('invalid_grant', 'The refresh token is not valid.', 'refresh-token-foreign');
  }

  rulesOf(client: KnownClient): readonly AuthJwtContract[] {
    return this.issuersOf(client).map(({ contract }) => contract);
  }

  issuersOf(client: KnownClient): readonly LinkedIssuer[] {
    return this.proxiesAskedFor(client).flatMap(({ issuers }) => issuers);
  }

  proxiesAskedFor(client: KnownClient): readonly IssuingProxy[] {
    const proxy = this.issuers.proxy((client.record as ClientRecord).proxyId);
    return proxy === undefined ? [] : [proxy];
  }
}
