import type { DomainEvent } from '#libs/event-store';
import { unreachable, type Decider } from '../../decider/decider.ts';
import { notFound } from '../../decider/domain-error.ts';
import type { SecretReference } from '../../decider/secret-reference.ts';

/** What can be said of a user; the password is a reference. */
export interface CredentialContent {
  readonly email: string;
  readonly fullName: string;
  readonly description: string;
  readonly enabled: boolean;
  /** ISO 8601; null: never. */
  readonly expiresAt: string | null;
  readonly roles: readonly string[];
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
export type CredentialEvent = CredentialCreated | CredentialUpdated | PasswordChanged | CredentialDeleted;

export interface ActiveCredential extends CredentialContent {
  readonly status: 'active';
  readonly credentialId: string;
  readonly projectId: string;
  readonly project: string;
  readonly username: string;
  readonly password: SecretReference;
}
export type CredentialState = { readonly status: 'absent' } | ActiveCredential;

export type CredentialCommand =
  | ({ readonly type: 'CreateCredential' } & CredentialCreated['data'])
  | ({ readonly type: 'UpdateCredential'; readonly password: SecretReference } & CredentialContent)
  | { readonly type: 'ChangePassword'; readonly password: SecretReference }
  | { readonly type: 'DeleteCredential' };

export const credentialStream = (credentialId: string): string => `credential-${credentialId}`;

/** @throws DomainError NOT_FOUND */
export function requireCredential(state: CredentialState): ActiveCredential {
  if (state.status === 'absent') throw notFound('Credential');
  return state;
}

export const credentialDecider: Decider<CredentialState, CredentialCommand, CredentialEvent> = {
  initialState: { status: 'absent' },
  evolve(state, event) {
    if (event.type === 'CredentialCreated') return { status: 'active', ...event.data };
    if (state.status === 'absent') return state;
    switch (event.type) {
      case 'CredentialUpdated':
      case 'PasswordChanged':
        return { ...state, ...event.data };
      case 'CredentialDeleted':
        return { status: 'absent' };
      default:
        return unreachable(event);
    }
  },
  decide(command, state) {
    switch (command.type) {
      case 'CreateCredential': {
        const { type: _type, ...data } = command;
        return [{ type: 'CredentialCreated', schemaVersion: 1, data }];
      }
      case 'UpdateCredential': {
        const { type: _type, ...content } = command;
        const { credentialId } = requireCredential(state);
        return [{ type: 'CredentialUpdated', schemaVersion: 1, data: { credentialId, ...content } }];
      }
      case 'ChangePassword': {
        const { credentialId } = requireCredential(state);
        return [{ type: 'PasswordChanged', schemaVersion: 1, data: { credentialId, password: command.password } }];
      }
      case 'DeleteCredential': {
        const { credentialId } = requireCredential(state);
        return [{ type: 'CredentialDeleted', schemaVersion: 1, data: { credentialId } }];
      }
      default:
        return unreachable(command);
    }
  },
};
