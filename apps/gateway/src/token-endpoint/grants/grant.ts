import { refreshTokenLifeMs, type AuthJwtContract, type ClientRecord } from '#libs/policy-contracts';
import type { LinkedIssuer } from '#libs/policy-runtime';
import type { RefreshTokenRules, RefreshTokenStore, RefreshTokenSubject } from '#libs/refresh-token-store';
import type { IdentityDirectory } from '../identity/identity.port.ts';
import type { PasswordChecks } from '../identity/password-checks.ts';
import type { Parameters } from '../protocol/form-parameters.ts';
import { refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';

/** What every grant works with. */
export interface GrantServices {
  readonly identities: IdentityDirectory;
  readonly refreshTokens: RefreshTokenStore;
  readonly passwords: PasswordChecks;
}

/** One token request whose client is settled. */
export interface GrantRequest {
  readonly client: ClientRecord;
  readonly issuer: LinkedIssuer;
  /** Those of `Grant.parameters` that were sent. */
  readonly parameters: Parameters;
  /** Of whoever asks, forwarded addresses of trusted proxies evaluated. */
  readonly clientAddress: string;
  readonly nowMs: number;
}

export interface GivenRefreshToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** Everything is settled but the access token itself. */
export interface Granted {
  readonly kind: 'granted';
  readonly outcome: 'issued' | 'refreshed';
  /** Stable name for logs and metrics. */
  readonly reason: string;
  readonly subject: string;
  readonly scope: string | undefined;
  readonly refreshToken: GivenRefreshToken | undefined;
}

export type GrantOutcome = Granted | OAuthRefusal;

/** Everything known about a grant type. */
export interface Grant {
  readonly grantType: string;
  /** The only parameters the handler sees. */
  readonly parameters: ReadonlySet<string>;
  /** Whether the client's secret is needed even where the policy does not require it. */
  readonly alwaysNeedsSecret: boolean;
  readonly isAllowedBy: (policy: AuthJwtContract) => boolean;
  readonly handler: (request: GrantRequest, services: GrantServices) => Promise<GrantOutcome>;
}

/** Whether tokens of this policy come with a refresh token (contract 4.1: never beside one that does not expire). */
export const givesRefreshTokens = (policy: AuthJwtContract): boolean =>
  policy.refreshTokenAllowed && !policy.tokenNeverExpires;

export const refreshTokenRulesOf = (policy: AuthJwtContract): RefreshTokenRules => ({
  lifeMs: refreshTokenLifeMs(policy),
  activeCount: policy.refreshTokenCount,
  limitAction: policy.refreshTokenLimitAction,
  maxUses: policy.refreshTokenMaxUses,
  graceMs: policy.refreshTokenGraceSeconds * 1_000,
});

/** Ends a login: with a refresh token where the policy gives them, or refused over the count. */
export async function grantLogin(
  request: GrantRequest,
  login: Pick<RefreshTokenSubject, 'subject' | 'scope' | 'proofId'>,
  refreshTokens: RefreshTokenStore,
): Promise<GrantOutcome> {
  const { client, issuer, nowMs } = request;
  const { subject: user, scope } = login;
  const granted = { kind: 'granted', outcome: 'issued', reason: 'login', subject: user, scope } as const;
  if (!givesRefreshTokens(issuer.contract)) return { ...granted, refreshToken: undefined };
  const { proxyId, clientId } = client;
  const subject: RefreshTokenSubject = { proxyId, policy: issuer.policyName, clientId, ...login };
  const issue = await refreshTokens.issue(subject, refreshTokenRulesOf(issuer.contract), nowMs);
  if (issue.kind === 'limit-reached') {
    return refuse('invalid_grant', 'Too many logins are active.', 'refresh-token-limit');
  }
  return { ...granted, refreshToken: issue };
}
