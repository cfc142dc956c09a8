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

const FIND = {
  name: 'names_find_1',
  text: 'select entity_id from names where kind = $1 and scope = $2 and name = $3',
};

const HOLD = { name: 'names_hold_1', text: `${FIND.text} for key share` };

/** A name and, within what it stands for, another one: two names looked up in one round trip. */
const FIND_INSIDE = {
  name: 'names_find_inside_1',
  text: `select outside.entity_id as outer_id, inside.entity_id as inner_id
         from names outside
         left join names inside on inside.kind = $3 and inside.scope = outside.entity_id and inside.name = $4
         where outside.kind = $1 and outside.scope = '' and outside.name = $2`,
};

/** What names of the kind are called in requests. */
const FIELDS = { client: 'publicKey', credential: 'username' } as const;

/** Kinds of names that stand in tokens as their user and client. */
type NameInTokens = keyof typeof FIELDS;

const HOLD_IN_TOKENS = {
  name: 'names_hold_in_tokens_1',
  text: `select pg_advisory_xact_lock(hashtextextended('name in tokens ' || $1, 0))`,
};

interface Named {
  readonly kind: NameKind;
  readonly name: string;
}

const missing = ({ kind, name }: Named) => notFound(`${TITLES[kind]} (name: ${name})`);

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

  /**
   * Takes a user name or a public key. The two are one name space over all projects: a token says `sub` and `client_id`, not
   * which of the two each is, and revoking one of a name must not mean the other.
   *
   * @throws DomainError CONFLICT when the name is taken as either.
   */
  async takeInTokens(kind: NameInTokens, name: string, entityId: string): Promise<void> {
    const other = kind === 'client' ? 'credential' : 'client';
    // Whoever takes it as the other one waits until this is recorded, or is not.
    await this.transaction.ask(HOLD_IN_TOKENS, [name]);
    if ((await this.find(other, '', name)) !== undefined) {
      throw conflict(`${FIELDS[kind]}: ${name} is in use as a ${FIELDS[other]}, and no name may be both`);
    }
    await this.take(kind, '', name, entityId);
  }

  async find(kind: NameKind, scope: string, name: string): Promise<string | undefined> {
    const found = await this.transaction.ask<{ entity_id: string }>(FIND, [kind, scope, name]);
    return found.rows[0]?.entity_id;
  }

  /** @throws DomainError NOT_FOUND */
  async resolve(kind: NameKind, scope: string, name: string): Promise<string> {
    const entityId = await this.find(kind, scope, name);
    if (entityId === undefined) throw missing({ kind, name });
    return entityId;
  }

  /**
   * Resolves a name and, in the scope of what it stands for, another one.
   *
   * @param outer its scope is all
   * @throws DomainError NOT_FOUND naming the first one that is not there
   */
  async resolveInside(outer: Named, inner: Named): Promise<{ outerId: string; innerId: string }> {
    const values = [outer.kind, outer.name, inner.kind, inner.name];
    const found = await this.transaction.ask<{ outer_id: string; inner_id: string | null }>(FIND_INSIDE, values);
    const row = found.rows[0];
    if (row === undefined) throw missing(outer);
    if (row.inner_id === null) throw missing(inner);
    return { outerId: row.outer_id, innerId: row.inner_id };
  }

  /**
   * Resolves a name and keeps it from being freed until the transaction ends.
   *
   * @throws DomainError NOT_FOUND
   */
  async hold(kind: NameKind, scope: string, name: string): Promise<string> {
    const held = await this.transaction.ask<{ entity_id: string }>(HOLD, [kind, scope, name]);
    const entityId = held.rows[0]?.entity_id;
    if (entityId === undefined) throw missing({ kind, name });
    return entityId;
  }

  async all(kind: NameKind, scope: string): Promise<ReadonlyMap<string, string>> {
    const found = await this.transaction.ask<{ name: string; entity_id: string }>(
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
