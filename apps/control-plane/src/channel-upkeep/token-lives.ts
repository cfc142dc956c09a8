import { AUTH_JWT_DEFAULTS, durationMs, type TimeUnit } from '#libs/policy-contracts';
import { endOf } from '#libs/token-revocations';
import type { PolicyAdded, PolicyUpdated, ProxyCreated } from '../api-proxies/domain/index.ts';
import type { CredentialCreated, TokenSettingsChanged } from '../credentials/domain/credential.decider.ts';
import { rowProjection, whenThere } from '../persistence/row-projection.ts';
import type { Queryable } from '../persistence/secret-vault.ts';

interface LifeRow {
  /** Of a proxy or a credential. Stays when that is deleted: its tokens do not die with it. */
  readonly owner_id: string;
  readonly project_id: string;
  /** null: for ever. */
  readonly longest_life_ms: number | null;
}

/** The members that say it, of a policy and of a credential's own settings alike. */
export interface TokenLife {
  readonly tokenNeverExpires: boolean;
  readonly tokenExpiresInAmount?: number | null | undefined;
  readonly tokenExpiresInUnit?: TimeUnit | null | undefined;
}

/** Milliseconds; null: for ever. */
export function tokenLifeMs({ tokenNeverExpires, ...life }: TokenLife): number | null {
  const { tokenExpiresInAmount: amount = null, tokenExpiresInUnit: unit = null } = life;
  if (tokenNeverExpires || amount === null || unit === null) return null;
  return durationMs(amount, unit) ?? null;
}

/** The members that say how long a login goes on; a user's own settings know no absolute end. */
export interface LoginLife extends TokenLife {
  readonly refreshTokenAllowed?: boolean | null | undefined;
  readonly refreshTokenExpiresInAmount?: number | null | undefined;
  readonly refreshTokenExpiresInUnit?: TimeUnit | null | undefined;
  readonly refreshTokenAbsoluteExpiresInAmount?: number | null | undefined;
  readonly refreshTokenAbsoluteExpiresInUnit?: TimeUnit | null | undefined;
}

function givenMs(amount: number | null | undefined, unit: TimeUnit | null | undefined): number | undefined {
  const isGiven = typeof amount === 'number' && typeof unit === 'string';
  return isGiven ? (durationMs(amount, unit) ?? Infinity) : undefined;
}

/** How long a refresh token can lie before it is used, milliseconds; 0: none is given. */
function refreshTokenLifeMs(life: LoginLife): number {
  if (life.refreshTokenAllowed !== true || life.tokenNeverExpires) return 0;
  const idleMs = givenMs(life.refreshTokenExpiresInAmount, life.refreshTokenExpiresInUnit);
  const wholeMs = givenMs(life.refreshTokenAbsoluteExpiresInAmount, life.refreshTokenAbsoluteExpiresInUnit);
  return Math.min(idleMs ?? AUTH_JWT_DEFAULTS.refreshTokenLifeMs, wholeMs ?? Infinity);
}

/**
 * How long what a login is given can be used, milliseconds; null: for ever. A login that is refreshed for longer than that
 * shows itself meanwhile: whoever knows that it is revoked ends it then.
 */
export function loginLifeMs(life: LoginLife): number | null {
  const refreshMs = refreshTokenLifeMs(life);
  return longerLife(tokenLifeMs(life), refreshMs <= Number.MAX_SAFE_INTEGER ? refreshMs : null);
}

/** Lives in milliseconds, null is for ever. */
export const longerLife = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : Math.max(one, other);

const withLife = (row: LifeRow, life: LoginLife): LifeRow => ({
  ...row,
  longest_life_ms: longerLife(row.longest_life_ms, loginLifeMs(life)),
});

const withPolicy = whenThere<LifeRow, PolicyAdded | PolicyUpdated>((row, { data: { policy } }) =>
  policy.type === 'policy-auth-jwt' ? withLife(row, policy) : row,
);

type Told = ProxyCreated | PolicyAdded | PolicyUpdated | CredentialCreated | TokenSettingsChanged;

/**
 * How long access and refresh tokens may live that were ever issued: the longest life that a proxy's policies ever said, or
 * a user's own settings. What a rollback brings back was said before.
 */
export const tokenLivesProjection = rowProjection<LifeRow, Told>({
  ...{ name: 'login-lives', table: 'read_login_lives', key: 'owner_id' },
  columns: { owner_id: 'text', project_id: 'text', longest_life_ms: 'bigint' },
  keyOf: ({ data }) => ('proxyId' in data ? data.proxyId : data.credentialId),
  evolve: {
    ProxyCreated: (_, { data }) => ({ owner_id: data.proxyId, project_id: data.projectId, longest_life_ms: 0 }),
    CredentialCreated: (_, { data }) => ({
      ...{ owner_id: data.credentialId, project_id: data.projectId, longest_life_ms: 0 },
    }),
    PolicyAdded: withPolicy,
    PolicyUpdated: withPolicy,
    TokenSettingsChanged: whenThere((row, { data }) => withLife(row, data.tokenSettings)),
  },
});

/** Gateways' clocks differ, and a token may be issued for a few seconds ahead. */
const MARGIN_MS = 3_600_000;

/**
 * When no access token that was issued until now is valid any more, and no refresh token, epoch milliseconds; null: never.
 *
 * @param isShown whether `tokenLivesProjection` was up to date before the change began; otherwise nobody can tell: null.
 * @param projectId undefined: of whatever project.
 */
export async function tokensEndAtMs(
  from: Queryable,
  {
    isShown,
    projectId,
    now,
  }: { readonly isShown: boolean; readonly projectId: string | undefined; readonly now: string },
): Promise<number | null> {
  if (!isShown) return null;
  const found = await from.query<{ never: boolean | null; longest: number | null }>(
    `select bool_or(longest_life_ms is null) as never, max(longest_life_ms)::float8 as longest
     from read_login_lives where $1::text is null or project_id = $1`,
    [projectId ?? null],
  );
  const { never, longest } = found.rows[0] ?? { never: false, longest: 0 };
  return never === true ? null : endOf(Date.parse(now) + (longest ?? 0) + MARGIN_MS);
}
