import { accessTokenLifeMs, type AuthJwtContract, type CredentialRecord } from '#libs/policy-contracts';
import { audienceOf, type LinkedIssuer } from '#libs/policy-runtime';
import type { ClientClaim } from '../identity/client-authentication.ts';
import type { IssuerDirectory, IssuingProxy } from '../identity/identity.port.ts';
import type { Presence } from '../identity/user-standing.ts';
import type { Parameters } from '../protocol/form-parameters.ts';
import { refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { badRefreshToken } from '../protocol/refresh-token-refusals.ts';
import { liveAccess, proxyMeantBy } from './credential-access.ts';
import type { CredentialClients } from './credential-clients.ts';
import { rulesOfSettings } from './credential-settings.ts';
import type { Issuance, KnownClient, LoginPlace, TokenService } from './token-service.ts';

/** Owner of the refresh tokens that a credential's own settings give: they are of no proxy. */
const OWN_SETTINGS: LoginPlace = { proxyId: '', policy: '' };

/** One text: it must not tell whether a proxy is there and closed to the client, or not there. */
const badResource = (reason: string): OAuthRefusal =>
  refuse('invalid_request', 'The parameter resource names no proxy that this client may have tokens for.', reason);

const needsResource = (reason: string): OAuthRefusal =>
  refuse('invalid_request', 'The parameter resource must name a proxy, as <project>/<proxy>.', reason);

const isOwn = ({ proxyId, policy }: LoginPlace): boolean =>
  proxyId === OWN_SETTINGS.proxyId && policy === OWN_SETTINGS.policy;

function issuanceBy({ artifact }: IssuingProxy, issuer: LinkedIssuer): Issuance {
  const { policyName: policy, contract: rules, terms } = issuer;
  const title = `${artifact.project}/${artifact.proxy}`;
  return { kind: 'issuance', proxyId: artifact.proxyId, policy, title, rules, issuer, terms };
}

/**
 * `/credential`: the client is a credential (user name and password) and may have tokens for the proxies of its access list,
 * by their policies without `managedFromThisPolicy` or by its own token settings (contract 6).
 */
export class CredentialService implements TokenService {
  readonly name = 'credential';
  readonly alwaysNeedsSecret = true;

  constructor(
    private readonly clients: CredentialClients,
    private readonly issuers: IssuerDirectory,
  ) {}

  findClient(claim: ClientClaim, presence: Presence): Promise<KnownClient | OAuthRefusal> {
    return this.clients.find(claim, presence);
  }

  /**
   * With `resource`: by the first policy of that proxy, for it alone. Without: for every proxy of the access list, by the
   * client's own settings, else by the policy of the only proxy among them that has one.
   */
  issuanceFor(client: KnownClient, parameters: Parameters, nowMs: number): Issuance | OAuthRefusal {
    const record = client.record as CredentialRecord;
    const resource = parameters.get('resource');
    if (resource !== undefined) {
      const meant = proxyMeantBy(resource, liveAccess(record, nowMs), this.issuers);
      const [issuer] = meant?.credentialIssuers ?? [];
      if (meant === undefined || issuer === undefined) return badResource('bad-resource');
      return issuanceBy(meant, issuer);
    }
    if (liveAccess(record, nowMs).length === 0) return nothingToHave('no-access');
    return record.tokenSettings === null ? this.issuanceByOnlyPolicy(record, nowMs) : this.ownIssuance(record, nowMs);
  }

  /** A login goes on for the proxy whose policy gave it, and for that one alone; one by own settings for all. */
  issuanceOf(client: KnownClient, login: LoginPlace, nowMs: number): Issuance | OAuthRefusal {
    const record = client.record as CredentialRecord;
    if (isOwn(login)) {
      if (record.tokenSettings === null) return badRefreshToken('no-token-settings');
      return liveAccess(record, nowMs).length === 0 ? badRefreshToken('no-access') : this.ownIssuance(record, nowMs);
    }
    const proxy = this.issuers.proxy(login.proxyId);
    const [issuer] = proxy?.credentialIssuers ?? [];
    if (proxy === undefined || issuer === undefined) return badRefreshToken('no-issuer');
    if (issuer.policyName !== login.policy) return badRefreshToken('refresh-token-foreign');
    const { artifact } = proxy;
    const hasAccess = liveAccess(record, nowMs).some(
      (entry) => entry.project === artifact.project && entry.proxy === artifact.proxy,
    );
    return hasAccess ? issuanceBy(proxy, issuer) : badRefreshToken('no-access');
  }

  rulesOf(client: KnownClient, nowMs: number): readonly AuthJwtContract[] {
    const { tokenSettings } = client.record as CredentialRecord;
    const own = tokenSettings === null ? undefined : rulesOfSettings(tokenSettings);
    const ofPolicies = this.issuersOf(client, nowMs).map(({ contract }) => contract);
    return own === undefined ? ofPolicies : [...ofPolicies, own];
  }

  issuersOf(client: KnownClient, nowMs: number): readonly LinkedIssuer[] {
    return this.issuersOfRecord(client.record as CredentialRecord, nowMs);
  }

  proxiesAskedFor(client: KnownClient, parameters: Parameters, nowMs: number): readonly IssuingProxy[] {
    const record = client.record as CredentialRecord;
    const resource = parameters.get('resource');
    if (resource === undefined) return this.deployed(record, nowMs);
    const meant = proxyMeantBy(resource, liveAccess(record, nowMs), this.issuers);
    return meant === undefined || meant.credentialIssuers.length === 0 ? [] : [meant];
  }

  /** Proxies of the access list that issue tokens here, in its order. */
  private deployed(record: CredentialRecord, nowMs: number): IssuingProxy[] {
    return liveAccess(record, nowMs).flatMap(({ project, proxy }) => {
      const found = this.issuers.proxyNamed(project, proxy);
      return found === undefined || found.credentialIssuers.length === 0 ? [] : [found];
    });
  }

  private issuersOfRecord(record: CredentialRecord, nowMs: number): LinkedIssuer[] {
    return this.deployed(record, nowMs).flatMap(({ credentialIssuers }) => credentialIssuers);
  }

  private issuanceByOnlyPolicy(record: CredentialRecord, nowMs: number): Issuance | OAuthRefusal {
    const [proxy, ...others] = this.deployed(record, nowMs);
    if (proxy === undefined) return needsResource('no-issuer');
    const [issuer] = proxy.credentialIssuers;
    if (others.length > 0 || issuer === undefined) return needsResource('ambiguous-issuer');
    const { audience } = termsOf(record, issuer.contract, nowMs);
    return { ...issuanceBy(proxy, issuer), terms: { ...issuer.terms, audience } };
  }

  /** Policies without a key store share one key per algorithm in an environment, so that key is the one of most proxies. */
  private ownIssuance(record: CredentialRecord, nowMs: number): Issuance | OAuthRefusal {
    const rules = rulesOfSettings(record.tokenSettings ?? {});
    if (rules === undefined) return nothingToHave('broken-token-settings');
    const fitting = this.issuersOfRecord(record, nowMs).filter(
      ({ algorithm }) => algorithm === rules.jwtSignatureAlgorithm,
    );
    const issuer = fitting.find(({ contract }) => contract.keyStoreName === undefined) ?? fitting[0];
    if (issuer === undefined) return nothingToHave('no-issuer');
    return { kind: 'issuance', ...OWN_SETTINGS, title: undefined, rules, issuer, terms: termsOf(record, rules, nowMs) };
  }
}

const nothingToHave = (reason: string): OAuthRefusal =>
  refuse('unauthorized_client', 'Nothing issues tokens for this client here.', reason);

/** For every proxy of the access list: one as a text, several as an array (RFC 7519 section 4.1.3). */
function termsOf(record: CredentialRecord, rules: AuthJwtContract, nowMs: number): Issuance['terms'] {
  const audiences = liveAccess(record, nowMs).map(({ project, proxy }) => audienceOf(project, proxy));
  const [only = ''] = audiences;
  return { audience: audiences.length === 1 ? only : audiences, lifeMs: accessTokenLifeMs(rules) };
}
