import { rowProjection, whenThere, withoutRow } from '../persistence/row-projection.ts';
import type {
  AccessGranted,
  AccessRevoked,
  CredentialAccess,
  CredentialContent,
  CredentialCreated,
  CredentialDeleted,
  CredentialUpdated,
  TokenSettingsChanged,
} from './domain/credential.decider.ts';
import type { TokenSettings } from './domain/token-settings.ts';

interface CredentialRow {
  readonly credential_id: string;
  readonly project_id: string;
  readonly username: string;
  readonly email: string;
  readonly full_name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly expires_at: string | null;
  readonly roles: readonly string[];
  readonly ip_list: readonly string[];
  readonly metadata: CredentialContent['metadata'];
  readonly access: readonly CredentialAccess[];
  readonly token_settings: TokenSettings | null;
}

type Told =
  CredentialCreated | CredentialUpdated | AccessGranted | AccessRevoked | TokenSettingsChanged | CredentialDeleted;

const contentOf = ({ fullName, expiresAt, ipList, ...content }: CredentialContent) => ({
  ...{ email: content.email, full_name: fullName, description: content.description, enabled: content.enabled },
  ...{ expires_at: expiresAt, roles: content.roles, ip_list: ipList, metadata: content.metadata },
});

/** The access list without some proxies, in its order. */
const without = ({ access }: CredentialRow, proxyIds: readonly string[]): readonly CredentialAccess[] =>
  access.filter(({ proxyId }) => !proxyIds.includes(proxyId));

export const credentialsProjection = rowProjection<CredentialRow, Told>({
  ...{ name: 'credentials', table: 'read_credentials', key: 'credential_id' },
  columns: {
    ...{ credential_id: 'text', project_id: 'text', username: 'text', email: 'text', full_name: 'text' },
    ...{ description: 'text', enabled: 'boolean', expires_at: 'timestamptz', roles: 'jsonb', ip_list: 'jsonb' },
    ...{ metadata: 'jsonb', access: 'jsonb', token_settings: 'jsonb' },
  },
  keyOf: ({ data }) => data.credentialId,
  evolve: {
    CredentialCreated: (_, { data }) => ({
      ...{ credential_id: data.credentialId, project_id: data.projectId, username: data.username },
      ...contentOf(data),
      ...{ access: [], token_settings: null },
    }),
    CredentialUpdated: whenThere((row, { data }) => ({ ...row, ...contentOf(data) })),
    AccessGranted: whenThere((row, { data: { access } }) => {
      const granted = access.map(({ proxyId }) => proxyId);
      return { ...row, access: [...without(row, granted), ...access] };
    }),
    AccessRevoked: whenThere((row, { data }) => ({ ...row, access: without(row, data.proxyIds) })),
    TokenSettingsChanged: whenThere((row, { data }) => ({ ...row, token_settings: data.tokenSettings })),
    CredentialDeleted: withoutRow,
  },
});
