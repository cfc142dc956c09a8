import { z } from 'zod';
import {
  AUTH_JWT_ALGORITHMS,
  GRANT_TYPES,
  optional,
  TIME_UNITS,
  wholeNumber,
  withDefault,
  type ContractWarning,
} from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { readBody } from '../http/bodies/request-bodies.ts';
import { withoutIgnored } from '../http/bodies/vendor-members.ts';
import type { CredentialContent } from './domain/credential.decider.ts';
import type { TokenSettingsChange } from './domain/token-settings.ts';
import { canonicalIpRange } from './ip-ranges.ts';

const PASSWORD = z.string().min(1).max(1000);
const time = z.iso.datetime({ offset: true, error: 'must be an ISO 8601 date and time' });
const utc = (text: string | undefined): string | null => (text === undefined ? null : new Date(text).toISOString());

/** Whoever asks for these relies on them: a claim upstreams decide by, a value that is never shown again. */
const notSupported = (what: string) => ({ error: `is not supported: ${what}`, params: { code: 'not_supported' } });
const NOT_IN_TOKENS = notSupported('tokens carry no metadata');
const refusedFlag = (why: ReturnType<typeof notSupported>) =>
  withDefault(
    z.boolean().refine((on) => !on, why),
    false,
  );

const METADATA = z.strictObject({
  key: z.string().min(1).max(255),
  value: withDefault(z.string().max(10_000), ''),
  secret: refusedFlag(notSupported('metadata is stored and shown as it is')),
  includeInJwt: refusedFlag(NOT_IN_TOKENS),
  includeInTokenResponse: refusedFlag(NOT_IN_TOKENS),
  jwtClaimName: optional(z.string().refine(() => false, NOT_IN_TOKENS)),
});

/** The vendor's body, for POST and PUT alike. */
export const CREDENTIAL_SCHEMA = z.strictObject({
  // It is a path segment, and part of texts that people read.
  username: z
    .string()
    .min(1)
    .max(255)
    .regex(/^(?!\.{1,2}$)\P{Cc}*$/u, { error: 'must be no dots alone and hold no control characters' }),
  password: PASSWORD,
  email: z
    .string()
    .max(320)
    .regex(/^[^\s@]+@[^\s@]+$/, { error: 'must be an e-mail address' }),
  fullName: z.string().min(1).max(255),
  description: withDefault(z.string().max(1000), ''),
  enabled: withDefault(z.boolean(), true),
  expireDate: optional(time),
  roleNameList: withDefault(
    z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, { error: 'must be a scope token' })).max(1000),
    [],
  ),
  ipList: withDefault(
    z
      .array(
        z.string().refine((text) => canonicalIpRange(text) !== undefined, { error: 'must be an IP address or a CIDR' }),
      )
      .max(1000),
    [],
  ),
  metadata: withDefault(z.array(METADATA).max(100), []),
});

export const NEW_PASSWORD_SCHEMA = z.strictObject({ password: PASSWORD });

export interface CredentialRequest extends CredentialContent {
  readonly username: string;
  readonly password: string;
}

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readCredential(body: unknown): CredentialRequest {
  const { expireDate, roleNameList, ipList, metadata, ...rest } = readBody(CREDENTIAL_SCHEMA, body);
  return {
    ...rest,
    expiresAt: utc(expireDate),
    roles: [...new Set(roleNameList)],
    ipList: [...new Set(ipList.map((text) => canonicalIpRange(text) ?? text))],
    metadata: metadata.map(({ key, value }) => ({ key, value })),
  };
}

const ACCESS_TYPES = ['API_PROXY', 'API_PROXY_GROUP'] as const;

export const ACCESS_SCHEMA = z.strictObject({
  credentialAccessList: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        type: z
          .enum(ACCESS_TYPES)
          .refine((type) => type !== 'API_PROXY_GROUP', notSupported('there are no groups of API proxies')),
        expireTime: optional(time),
      }),
    )
    .min(1)
    .max(1000),
});

/** One entry of an access list, by the proxy's name. */
export interface NamedAccess {
  readonly name: string;
  /** ISO 8601 in UTC; null: never. */
  readonly expiresAt: string | null;
}

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readAccess(body: unknown): NamedAccess[] {
  const { credentialAccessList } = readBody(ACCESS_SCHEMA, body);
  const names = credentialAccessList.map(({ name }) => name);
  const faults = names.flatMap((name, index) => {
    const field = `credentialAccessList[${index}].name`;
    return names.indexOf(name) < index ? [{ field, code: 'invalid', message: `${field} is named twice` }] : [];
  });
  if (faults.length > 0) throw invalid(faults);
  return credentialAccessList.map(({ name, expireTime }) => ({ name, expiresAt: utc(expireTime) }));
}

/** Only what is given changes (the vendor's partial update); null counts as left out. */
export const TOKEN_SETTINGS_SCHEMA = z.strictObject({
  grantType: optional(z.enum(GRANT_TYPES)),
  tokenNeverExpires: optional(z.boolean()),
  tokenExpiresInAmount: optional(wholeNumber(1)),
  tokenExpiresInUnit: optional(z.enum(TIME_UNITS)),
  refreshTokenAllowed: optional(z.boolean()),
  refreshTokenCount: optional(wholeNumber(1, 100_000)),
  refreshTokenExpiresInAmount: optional(wholeNumber(1)),
  refreshTokenExpiresInUnit: optional(z.enum(TIME_UNITS)),
  allowUrlParameters: optional(z.boolean()),
  jwtSignatureAlgorithm: optional(z.enum(AUTH_JWT_ALGORITHMS)),
  deletePrevious: optional(z.boolean()),
});

/** The vendor shows them with the rest; here a credential's settings count under `/credential` alone, by its own users. */
const IGNORED_TOKEN_SETTINGS = ['managedFromThisPolicy', 'enumPolicyAuthenticationType'];

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readTokenSettings(body: unknown): {
  change: TokenSettingsChange;
  warnings: readonly ContractWarning[];
} {
  const { body: known, warnings } = withoutIgnored(body, IGNORED_TOKEN_SETTINGS);
  return { change: readBody(TOKEN_SETTINGS_SCHEMA, known), warnings };
}
