import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { ADMINISTRATOR_NAME } from '../decider/actors.ts';
import { conflict, invalid } from '../decider/domain-error.ts';
import { DATABASE } from '../injection-tokens.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import {
  accessTokenDecider,
  accessTokenStream,
  type TokenFacts,
  type TokenPermission,
} from './domain/access-token.decider.ts';
import { ALL_PROJECTS, heldProjects } from './project-names.ts';
import { newAccessToken, tokenDigest } from './token-text.ts';

export interface TokenRequest {
  readonly name: string;
  readonly permissions: readonly TokenPermission[];
  /** Names, or `*` alone. */
  readonly projects: readonly string[];
  /** ISO 8601 in UTC; null: never. */
  readonly expiresAt: string | null;
}

/** A token as everybody may see it who may see tokens at all. */
export interface TokenView extends TokenRequest {
  readonly createdAt: string;
}

export class CreateToken extends Command<TokenView & { token: string }> {
  constructor(
    readonly context: RequestContext,
    readonly request: TokenRequest,
  ) {
    super();
  }
}

export class RevokeToken extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly name: string,
  ) {
    super();
  }
}

export class ListTokens extends Query<TokenView[]> {}

@CommandHandler(CreateToken)
export class CreateTokenHandler implements ICommandHandler<CreateToken> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ context, request }: CreateToken): Promise<TokenView & { token: string }> {
    const token = newAccessToken();
    return this.units.run(context, async (unit) => ({ ...(await this.create(unit, request, token)), token }));
  }

  private async create(unit: Unit, request: TokenRequest, token: string): Promise<TokenView> {
    const { name, permissions, expiresAt } = request;
    const { projects, faults } = await heldProjects(unit.transaction, request.projects);
    if (faults.length > 0) throw invalid(faults);
    const facts: TokenFacts = { tokenId: randomUUID(), name, permissions, projects, expiresAt };
    await unit.names.take('access-token', '', name, facts.tokenId);
    const command = { type: 'CreateToken', now: unit.now, ...facts } as const;
    await unit.change(accessTokenDecider, accessTokenStream(facts.tokenId), command);
    const projectIds = projects === 'all' ? null : projects.map(({ projectId }) => projectId);
    await unit.transaction.query(
      `insert into access_tokens (token_id, name, digest, permissions, project_ids, expires_at, created_at)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [facts.tokenId, name, tokenDigest(token), permissions, projectIds, expiresAt, unit.now],
    );
    const names = projects === 'all' ? [ALL_PROJECTS] : projects.map((project) => project.name);
    return { name, permissions, projects: names, expiresAt, createdAt: unit.now };
  }
}

@CommandHandler(RevokeToken)
export class RevokeTokenHandler implements ICommandHandler<RevokeToken> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ context, name }: RevokeToken): Promise<void> {
    if (name === ADMINISTRATOR_NAME) throw conflict(`Token (name: ${name}) is set by ADMIN_TOKEN; change it there`);
    await this.units.run(context, async (unit) => {
      const tokenId = await unit.names.resolve('access-token', '', name);
      await unit.change(accessTokenDecider, accessTokenStream(tokenId), { type: 'RevokeToken' });
      await unit.names.free('access-token', '', name);
      // The sessions that were got with it go with it.
      await unit.transaction.query('delete from access_tokens where token_id = $1', [tokenId]);
    });
  }
}

interface TokenRow {
  readonly name: string;
  readonly permissions: readonly TokenPermission[];
  readonly projects: readonly string[];
  readonly expires_at: Date | null;
  readonly created_at: Date;
}

// Not a read model: the table is written with the change itself, since a token must be good, or gone, at once.
const LIST = `
  select name, permissions, expires_at, created_at,
         case when project_ids is null then array['${ALL_PROJECTS}'] else array(
           select project.name from names project
           where project.kind = 'project' and project.entity_id = any(project_ids) order by project.name) end as projects
  from access_tokens order by name`;

@QueryHandler(ListTokens)
export class ListTokensHandler implements IQueryHandler<ListTokens> {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  async execute(_query: ListTokens): Promise<TokenView[]> {
    const { rows } = await this.database.query<TokenRow>(LIST);
    return rows.map(({ expires_at, created_at, ...row }) => ({
      ...row,
      expiresAt: expires_at?.toISOString() ?? null,
      createdAt: created_at.toISOString(),
    }));
  }
}
