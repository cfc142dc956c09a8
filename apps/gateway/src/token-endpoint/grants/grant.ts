import { accessTokenLifeMs, loginLifeMs, refreshTokenLifeMs, type AuthJwtContract } from '#libs/policy-contracts';
import type { RefreshTokenRules, RefreshTokenStore, RefreshTokenSubject } from '#libs/refresh-token-store';
import type { RevocationUrgency, TokenRevocation } from '#libs/token-revocations';
import type { IdentityDirectory } from '../identity/identity.port.ts';
import type { CredentialPasswords } from '../identity/credential-passwords.ts';
import type { Parameters } from '../protocol/form-parameters.ts';
import { refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import type { Issuance, KnownClient, TokenService } from '../services/token-service.ts';
import { unrevokedStartMs, type Arrival, type RevocationView } from './unrevoked-start.ts';

/** What every grant works with. */
export interface GrantServices {
  readonly identities: IdentityDirectory;
  readonly refreshTokens: RefreshTokenStore;
  readonly passwords: CredentialPasswords;
  /** What this gateway knows of revoked tokens and logins. */
  readonly revocations: RevocationView;
  /** Ends access tokens here and at every other gateway; throws `RevocationLedgerUnavailable`, and can be repeated. */
  readonly revocationWriter: {
    revoke(revocations: readonly TokenRevocation[], urgency?: RevocationUrgency): Promise<void>;
  };
}

/** One token request whose client is settled. */
export interface GrantRequest extends Arrival {
  readonly service: TokenService;
  readonly client: KnownClient;
  readonly issuance: Issuance;
  /** Those of `Grant.parameters` that were sent. */
  readonly parameters: Parameters;
  /** Of whoever asks, forwarded addresses of trusted proxies evaluated. */
  readonly clientAddress: string;
}

export interface GivenRefreshToken {
  readonly token: string;
  readonly familyId: string;
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
  /** Time of the login, epoch milliseconds: a moment ahead perhaps (`unrevokedStartMs`). */
  readonly startedAtMs: number;
}

export const REVOKED_LOGIN = refuse('invalid_grant', 'The login was revoked.', 'login-revoked');

export type GrantOutcome = Granted | OAuthRefusal;

/** Everything known about a grant type. */
export interface Grant {
  readonly grantType: string;
  /** The only parameters the handler sees. */
  readonly parameters: ReadonlySet<string>;
  /** Whether the client's secret is needed even where the policy does not require it. */
  readonly alwaysNeedsSecret: boolean;
  readonly isAllowedBy: (policy: AuthJwtContract) => boolean;
  /** By what it gives tokens, where that is not what the client asks for by its parameters. */
  readonly issuanceFor?: (
    request: Omit<GrantRequest, 'issuance' | 'revocationChanges'>,
    services: GrantServices,
  ) => Promise<Issuance | OAuthRefusal>;
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
  absoluteLifeMs: loginLifeMs(policy),
  accessLifeMs: accessTokenLifeMs(policy),
});

/** Ends a login: with a refresh token where the policy gives them, or refused over the count. */
export async function grantLogin(
  request: GrantRequest,
  login: Pick<RefreshTokenSubject, 'subject' | 'scope' | 'proofId'>,
  { refreshTokens, revocations }: Pick<GrantServices, 'refreshTokens' | 'revocations'>,
): Promise<GrantOutcome> {
  const { client, issuance } = request;
  const { subject: user, scope } = login;
  const startedAtMs = unrevokedStartMs({ sub: user, client_id: client.clientId }, request, revocations);
  if (startedAtMs === undefined) return REVOKED_LOGIN;
  const granted = (refreshToken: GivenRefreshToken | undefined): Granted => ({
    kind: 'granted',
    outcome: 'issued',
    reason: 'login',
    subject: user,
    scope,
    refreshToken,
    startedAtMs,
  });
  if (!givesRefreshTokens(issuance.rules)) return granted(undefined);
  const { proxyId, policy } = issuance;
  const subject: RefreshTokenSubject = { proxyId, policy, clientId: client.clientId, ...login };
  const issue = await refreshTokens.issue(subject, refreshTokenRulesOf(issuance.rules), startedAtMs);
  if (issue.kind === 'limit-reached') {
    return refuse('invalid_grant', 'Too many logins are active.', 'refresh-token-limit');
  }
  return granted(issue);
}
