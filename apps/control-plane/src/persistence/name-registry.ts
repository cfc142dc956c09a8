import type { PostgresTransaction } from '#libs/event-store';
import { conflict, notFound } from '../decider/domain-error.ts';

export type NameKind =
  | 'project'
  | 'environment'
  | 'token-issuer'
  | 'api-proxy'
  | 'client'
  | 'credential'
  /** A credential among those of its project; its name itself is unique over all. */
  | 'project-credential'
  | 'variable'
  /** A token of apiops. */
  | 'access-token'
  /** A key of a project, which policies name as `keyStoreName`. */
  | 'key-store';

const TITLES: Readonly<Record<NameKind, string>> = {
  project: 'Project',
  environment: 'Environment',
  'token-issuer': 'Environment with tokenIssuer',
  'api-proxy': 'ApiProxy',
  client: 'ApiProxy with publicKey',
  credential: 'Credential',
  'project-credential': 'Credential',
  variable: 'Environment variable',
  'access-token': 'Token',
  'key-store': 'JWK',
};

/** Names in use, unique within a kind and a scope (a project's id, or '' for all), checked as part of the change. */
export class NameRegistry {
  constructor(private readonly transaction: PostgresTransaction) {}

  /** @throws DomainError CONFLICT when the name is taken. */
  async take(kind: NameKind, scope: string, name: string, entityId: string): Promise<void> {
    const taken = await this.transaction.query(
      'insert into names (kind, scope, name, entity_id) values ($1, $2, $3, $4) on conflict do nothing',
      [kind, scope, name, entityId],
    );
    if (taken.rowCount === 0) throw conflict(`${TITLES[kind]} (name: ${name}) already exists`);
  }

  async find(kind: NameKind, scope: string, name: string): Promise<string | undefined> {
    const found = await this.transaction.query<{ entity_id: string }>(
      'select entity_id from names where kind = $1 and scope = $2 and name = $3',
      [kind, scope, name],
    );
    return found.rows[0]?.entity_id;
  }

  /** @throws DomainError NOT_FOUND */
  async resolve(kind: NameKind, scope: string, name: string): Promise<string> {
    const entityId = await this.find(kind, scope, name);
    if (entityId === undefined) throw notFound(`${TITLES[kind]} (name: ${name})`);
    return entityId;
  }

  /**
   * Resolves a name and keeps it from being freed until the transaction ends.
   *
   * @throws DomainError NOT_FOUND
   */
  async hold(kind: NameKind, scope: string, name: string): Promise<string> {
    const held = await this.transaction.query<{ entity_id: string }>(
      'select entity_id from names where kind = $1 and scope = $2 and name = $3 for key share',
      [kind, scope, name],
    );
    const entityId = held.rows[0]?.entity_id;
    if (entityId === undefined) throw notFound(`${TITLES[kind]} (name: ${name})`);
    return entityId;
  }

  async all(kind: NameKind, scope: string): Promise<ReadonlyMap<string, string>> {
    const found = await this.transaction.query<{ name: string; entity_id: string }>(
      'select name, entity_id from names where kind = $1 and scope = $2 order by name',
      [kind, scope],
    );
    return new Map(found.rows.map((row) => [row.name, row.entity_id]));
  }

  /** Frees a name; freeing one that is not taken does nothing. */
  async free(kind: NameKind, scope: string, name: string): Promise<void> {
    await this.transaction.query('delete from names where kind = $1 and scope = $2 and name = $3', [kind, scope, name]);
  }
}
