import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { notFound } from '../decider/domain-error.ts';
import { DATABASE } from '../injection-tokens.ts';
import { resolveProject } from '../persistence/project-scope.ts';
import { ReadModels } from '../persistence/read-models.ts';
import { UnitOfWork } from '../persistence/unit-of-work.ts';
import type { CredentialAddress } from './credential-changes.ts';
import { credentialsProjection } from './credentials.projection.ts';
import type { TokenSettings } from './domain/token-settings.ts';

/** The vendor's item of a list. */
export interface CredentialView {
  readonly username: string;
  readonly email: string;
  readonly fullName: string;
  readonly description: string;
  readonly enabled: boolean;
  /** ISO 8601 in UTC; null: never. */
  readonly expireDate: string | null;
  readonly roleNameList: readonly string[];
  readonly ipList: readonly string[];
  readonly metadata: readonly MetadataView[];
  /** Never returned. */
  readonly password: null;
}

/** The vendor's members; the last four are always as they are here. */
interface MetadataView {
  readonly key: string;
  readonly value: string;
  readonly secret: false;
  readonly includeInJwt: false;
  readonly includeInTokenResponse: false;
  readonly jwtClaimName: null;
}

export interface AccessView {
  readonly name: string;
  readonly type: 'API_PROXY';
  /** ISO 8601 in UTC; null: never. */
  readonly expireTime: string | null;
}

/** Everything that is known of one credential. */
export interface WholeCredentialView extends CredentialView {
  readonly credentialAccessList: readonly AccessView[];
  /** null: never set. */
  readonly tokenSettings: TokenSettings | null;
}

export class ListCredentials extends Query<CredentialView[]> {
  constructor(readonly projectName: string) {
    super();
  }
}

export class GetCredential extends Query<WholeCredentialView> {
  constructor(readonly address: CredentialAddress) {
    super();
  }
}

interface StoredCredential extends Omit<CredentialView, 'password' | 'metadata'> {
  readonly metadata: readonly { key: string; value: string }[];
  readonly tokenSettings: TokenSettings | null;
}

const SELECT = `select username, email, full_name as "fullName", description, enabled,
    to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "expireDate",
    roles as "roleNameList", ip_list as "ipList", metadata, token_settings as "tokenSettings"
  from read_credentials`;

function viewOf({ metadata, tokenSettings: _whole, ...rest }: StoredCredential): CredentialView {
  const flags = { secret: false, includeInJwt: false, includeInTokenResponse: false, jwtClaimName: null } as const;
  return { ...rest, metadata: metadata.map(({ key, value }) => ({ key, value, ...flags })), password: null };
}

@QueryHandler(ListCredentials)
export class ListCredentialsHandler implements IQueryHandler<ListCredentials> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ projectName }: ListCredentials): Promise<CredentialView[]> {
    const projectId = await this.units.read((unit) => resolveProject(unit, projectName));
    await this.readModels.upToDate(credentialsProjection);
    const found = await this.database.query<StoredCredential>(`${SELECT} where project_id = $1 order by username`, [
      projectId,
    ]);
    return found.rows.map(viewOf);
  }
}

@QueryHandler(GetCredential)
export class GetCredentialHandler implements IQueryHandler<GetCredential> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ address: { projectName, username } }: GetCredential): Promise<WholeCredentialView> {
    const credentialId = await this.units.read(async (unit) =>
      unit.names.resolve('project-credential', await resolveProject(unit, projectName), username),
    );
    await this.readModels.upToDate(credentialsProjection);
    const found = await this.database.query<StoredCredential>(`${SELECT} where credential_id = $1`, [credentialId]);
    const [row] = found.rows;
    if (row === undefined) throw notFound(`Credential (name: ${username})`);
    const credentialAccessList = await this.accessOf(credentialId);
    return { ...viewOf(row), credentialAccessList, tokenSettings: row.tokenSettings };
  }

  /** Proxies that are there; what was granted for one that is deleted is gone with it. */
  private async accessOf(credentialId: string): Promise<AccessView[]> {
    const found = await this.database.query<AccessView>(
      `select proxies.name, 'API_PROXY' as type, granted.one ->> 'expiresAt' as "expireTime"
       from read_credentials, jsonb_array_elements(access) granted(one)
       join names proxies on proxies.kind = 'api-proxy' and proxies.entity_id = granted.one ->> 'proxyId'
       where credential_id = $1 order by proxies.name`,
      [credentialId],
    );
    return found.rows;
  }
}
