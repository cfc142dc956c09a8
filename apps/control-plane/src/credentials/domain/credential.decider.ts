import type { DomainEvent } from '#libs/event-store';
import { unreachable, type Decider } from '../../decider/decider.ts';
import { invalid, notFound } from '../../decider/domain-error.ts';
import type { SecretReference } from '../../decider/secret-reference.ts';
import {
  changedTokenSettings,
  DEFAULT_TOKEN_SETTINGS,
  tokenSettingsFaults,
  type TokenSettings,
  type TokenSettingsChange,
} from './token-settings.ts';

/** What can be said of a user; the password is a reference. */
export interface CredentialContent {
  readonly email: string;
  readonly fullName: string;
  readonly description: string;
  readonly enabled: boolean;
  /** ISO 8601; null: never. */
  readonly expiresAt: string | null;
  readonly roles: readonly string[];
  /** Addresses and CIDRs in canonical form; empty: any. */
  readonly ipList: readonly string[];
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
}

/** That a credential may use a proxy. Proxies are named by id, so that another one of the same name is not meant. */
export interface CredentialAccess {
  readonly proxyId: string;
  /** ISO 8601; null: never. */
  readonly expiresAt: string | null;
}

export type CredentialCreated = DomainEvent<
  'CredentialCreated',
  {
    credentialId: string;
    projectId: string;
    project: string;
    username: string;
    password: SecretReference;
  } & CredentialContent
>;
export type CredentialUpdated = DomainEvent<
  'CredentialUpdated',
  { credentialId: string; password: SecretReference } & CredentialContent
>;
export type PasswordChanged = DomainEvent<'PasswordChanged', { credentialId: string; password: SecretReference }>;
export type CredentialDeleted = DomainEvent<'CredentialDeleted', { credentialId: string }>;
export type AccessGranted = DomainEvent<'AccessGranted', { credentialId: string; access: readonly CredentialAccess[] }>;
export type AccessRevoked = DomainEvent<'AccessRevoked', { credentialId: string; proxyIds: readonly string[] }>;
/** The settings as they are from now on. */
export type TokenSettingsChanged = DomainEvent<
  'TokenSettingsChanged',
  { credentialId: string; tokenSettings: TokenSettings }
>;
/** Who ended which logins; they live in the environment's Redis, so it changes nothing here. */
export type RefreshFamiliesRevoked = DomainEvent<
  'RefreshFamiliesRevoked',
  {
    credentialId: string;
    environmentId: string;
    /** null: all there were. */
    family: string | null;
    count: number;
  }
>;
export type CredentialEvent =
  | CredentialCreated
  | CredentialUpdated
  | PasswordChanged
  | CredentialDeleted
  | AccessGranted
  | AccessRevoked
  | TokenSettingsChanged
  | RefreshFamiliesRevoked;

export interface ActiveCredential extends CredentialContent {
  readonly status: 'active';
  readonly credentialId: string;
  readonly projectId: string;
  readonly project: string;
  readonly username: string;
  readonly password: SecretReference;
  /** Those of deleted proxies among them: they give nothing, since no other proxy gets their ids. */
  readonly access: readonly CredentialAccess[];
  /** null: never set, those of the policy apply. */
  readonly tokenSettings: TokenSettings | null;
}
export type CredentialState = { readonly status: 'absent' } | ActiveCredential;

export type CredentialCommand =
  | ({ readonly type: 'CreateCredential' } & CredentialCreated['data'])
  | ({ readonly type: 'UpdateCredential'; readonly password: SecretReference } & CredentialContent)
  | { readonly type: 'ChangePassword'; readonly password: SecretReference }
  | { readonly type: 'DeleteCredential' }
  | { readonly type: 'GrantAccess'; readonly access: readonly RequestedAccess[]; readonly now: string }
  | { readonly type: 'RevokeAccess'; readonly access: readonly RequestedAccess[] }
  | { readonly type: 'ChangeTokenSettings'; readonly change: TokenSettingsChange }
  | { readonly type: 'ResetTokenSettings' }
  | ({ readonly type: 'NoteRevokedFamilies' } & Omit<RefreshFamiliesRevoked['data'], 'credentialId'>);

/** One entry of a request, with what faults of it are to say. */
export interface RequestedAccess extends CredentialAccess {
  readonly field: string;
  readonly proxyName: string;
}

export const credentialStream = (credentialId: string): string => `credential-${credentialId}`;

/** @throws DomainError NOT_FOUND */
export function requireCredential(state: CredentialState): ActiveCredential {
  if (state.status === 'absent') throw notFound('Credential');
  return state;
}

/** A grant whose time is over is none. Times are ISO 8601 in UTC, so that their order is that of their texts. */
const isGranted = ({ access }: ActiveCredential, proxyId: string, now: string): boolean =>
  access.some((one) => one.proxyId === proxyId && (one.expiresAt === null || one.expiresAt > now));

function evolveActive(state: ActiveCredential, event: Exclude<CredentialEvent, CredentialCreated>): CredentialState {
  switch (event.type) {
    case 'CredentialUpdated':
    case 'PasswordChanged':
    case 'TokenSettingsChanged':
      return { ...state, ...event.data };
    case 'AccessGranted': {
      const granted = new Set(event.data.access.map((one) => one.proxyId));
      const others = state.access.filter((one) => !granted.has(one.proxyId));
      return { ...state, access: [...others, ...event.data.access] };
    }
    case 'AccessRevoked': {
      const revoked = new Set(event.data.proxyIds);
      return { ...state, access: state.access.filter((one) => !revoked.has(one.proxyId)) };
    }
    case 'RefreshFamiliesRevoked':
      return state;
    case 'CredentialDeleted':
      return { status: 'absent' };
    default:
      return unreachable(event);
  }
}

/** @throws DomainError VALIDATION_FAILED naming every access that is there already */
function grantAccess(
  credential: ActiveCredential,
  { access, now }: Extract<CredentialCommand, { type: 'GrantAccess' }>,
): AccessGranted {
  const { credentialId, username } = credential;
  const faults = access
    .filter(({ proxyId }) => isGranted(credential, proxyId, now))
    .map(({ field, proxyName }) => ({
      field,
      code: 'already_granted',
      message: `Credential (username:${username}) has already access to API Proxy (name:${proxyName})!`,
    }));
  if (faults.length > 0) throw invalid(faults);
  const granted = access.map(({ proxyId, expiresAt }) => ({ proxyId, expiresAt }));
  return { type: 'AccessGranted', schemaVersion: 1, data: { credentialId, access: granted } };
}

/** @throws DomainError VALIDATION_FAILED naming every access that is not there */
function revokeAccess(
  { credentialId, username, access }: ActiveCredential,
  requested: readonly RequestedAccess[],
): AccessRevoked {
  const faults = requested
    .filter(({ proxyId }) => !access.some((one) => one.proxyId === proxyId))
    .map(({ field, proxyName }) => ({
      field,
      code: 'not_granted',
      message: `Credential (username:${username}) has no access to API Proxy (name:${proxyName})`,
    }));
  if (faults.length > 0) throw invalid(faults);
  const proxyIds = requested.map(({ proxyId }) => proxyId);
  return { type: 'AccessRevoked', schemaVersion: 1, data: { credentialId, proxyIds } };
}

/** @throws DomainError VALIDATION_FAILED when the settings as a whole make no sense */
function changeTokenSettings(
  { credentialId, tokenSettings: current }: ActiveCredential,
  change: TokenSettingsChange,
): TokenSettingsChanged {
  const tokenSettings = changedTokenSettings(current, change);
  const faults = tokenSettingsFaults(tokenSettings);
  if (faults.length > 0) throw invalid(faults);
  return { type: 'TokenSettingsChanged', schemaVersion: 1, data: { credentialId, tokenSettings } };
}

function decideActive(
  command: Exclude<CredentialCommand, { type: 'CreateCredential' }>,
  credential: ActiveCredential,
): CredentialEvent {
  const { credentialId } = credential;
  switch (command.type) {
    case 'UpdateCredential': {
      const { type: _type, ...content } = command;
      return { type: 'CredentialUpdated', schemaVersion: 2, data: { credentialId, ...content } };
    }
    case 'ChangePassword':
      return { type: 'PasswordChanged', schemaVersion: 1, data: { credentialId, password: command.password } };
    case 'GrantAccess':
      return grantAccess(credential, command);
    case 'RevokeAccess':
      return revokeAccess(credential, command.access);
    case 'ChangeTokenSettings':
      return changeTokenSettings(credential, command.change);
    case 'ResetTokenSettings': {
      const tokenSettings = DEFAULT_TOKEN_SETTINGS;
      return { type: 'TokenSettingsChanged', schemaVersion: 1, data: { credentialId, tokenSettings } };
    }
    case 'NoteRevokedFamilies': {
      const { environmentId, family, count } = command;
      const data = { credentialId, environmentId, family, count };
      return { type: 'RefreshFamiliesRevoked', schemaVersion: 1, data };
    }
    case 'DeleteCredential':
      return { type: 'CredentialDeleted', schemaVersion: 1, data: { credentialId } };
    default:
      return unreachable(command);
  }
}

export const credentialDecider: Decider<CredentialState, CredentialCommand, CredentialEvent> = {
  initialState: { status: 'absent' },
  snapshotShape: 'credential@1',
  evolve(state, event) {
    if (event.type === 'CredentialCreated') {
      return { status: 'active', ...event.data, access: [], tokenSettings: null };
    }
    return state.status === 'absent' ? state : evolveActive(state, event);
  },
  decide(command, state) {
    if (command.type === 'CreateCredential') {
      const { type: _type, ...data } = command;
      return [{ type: 'CredentialCreated', schemaVersion: 2, data }];
    }
    return [decideActive(command, requireCredential(state))];
  },
};
