import {
  type GRANT_TYPES,
  parseAuthJwt,
  type AuthJwtContract,
  type ContractWarning,
  type ValidationFault,
} from '#libs/policy-contracts';

type OrNull<Members> = { readonly [Name in keyof Members]: Exclude<Members[Name], undefined> | null };

/** A credential's own token settings (the vendor's members): what `/credential/jwt` issues by when it has them. */
export interface TokenSettings extends OrNull<
  Pick<
    AuthJwtContract,
    | 'tokenExpiresInAmount'
    | 'tokenExpiresInUnit'
    | 'refreshTokenCount'
    | 'refreshTokenExpiresInAmount'
    | 'refreshTokenExpiresInUnit'
  >
> {
  readonly grantType: (typeof GRANT_TYPES)[number];
  readonly tokenNeverExpires: boolean;
  /** null: as false. The vendor tells "never said" from "no". */
  readonly refreshTokenAllowed: boolean | null;
  readonly allowUrlParameters: boolean;
  readonly jwtSignatureAlgorithm: AuthJwtContract['jwtSignatureAlgorithm'];
  /** Whether a login ends the user's earlier ones. */
  readonly deletePrevious: boolean;
}

/** What one call changes; members that are left out stay as they are. */
export type TokenSettingsChange = { readonly [Name in keyof TokenSettings]?: TokenSettings[Name] | undefined };

/** What the vendor's DELETE leaves, and what a first change starts from. */
export const DEFAULT_TOKEN_SETTINGS: TokenSettings = {
  grantType: 'PASSWORD',
  tokenNeverExpires: true,
  tokenExpiresInAmount: null,
  tokenExpiresInUnit: null,
  refreshTokenAllowed: null,
  refreshTokenCount: null,
  refreshTokenExpiresInAmount: null,
  refreshTokenExpiresInUnit: null,
  allowUrlParameters: false,
  jwtSignatureAlgorithm: 'RS256',
  deletePrevious: false,
};

export function changedTokenSettings(current: TokenSettings | null, change: TokenSettingsChange): TokenSettings {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...(current ?? DEFAULT_TOKEN_SETTINGS), ...(Object.fromEntries(given) as Partial<TokenSettings>) };
}

const withoutPrefix = (text: string): string => text.replaceAll('policy.', '');

/** What the settings as a whole lack: judged by the rules of the policy that has the same members. */
export function tokenSettingsFaults({ deletePrevious: _own, ...settings }: TokenSettings): ValidationFault[] {
  const parsed = parseAuthJwt({ type: 'policy-auth-jwt', ...settings });
  if (parsed.ok) return [];
  return parsed.faults.map((fault) => ({
    ...fault,
    field: withoutPrefix(fault.field),
    message: withoutPrefix(fault.message),
  }));
}

/** What is worth knowing of settings that were accepted. */
export function tokenSettingsWarnings({ deletePrevious: _own, ...settings }: TokenSettings): ContractWarning[] {
  const parsed = parseAuthJwt({ type: 'policy-auth-jwt', ...settings });
  if (!parsed.ok) return [];
  return parsed.warnings.map(({ field, message }) => ({
    field: withoutPrefix(field),
    message: message.replace('of this policy', 'of this credential'),
  }));
}
