import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { DATABASE } from '../injection-tokens.ts';
import { resolveProject } from '../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext } from '../persistence/unit-of-work.ts';
import { CredentialChanges } from './credential-changes.ts';
import type { CredentialContent } from './domain/credential.decider.ts';

export interface CredentialRequest extends CredentialContent {
  readonly username: string;
  readonly password: string;
}

export interface CredentialView {
  readonly username: string;
  readonly email: string;
  readonly fullName: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly expireDate: string | null;
  readonly roleNameList: readonly string[];
  /** Never returned. */
  readonly password: null;
}

export class CreateCredential extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly request: CredentialRequest,
  ) {
    super();
  }
}

export class UpdateCredential extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly request: CredentialRequest,
  ) {
    super();
  }
}

export class ChangePassword extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly username: string,
    readonly password: string,
  ) {
    super();
  }
}

export class DeleteCredential extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly username: string,
  ) {
    super();
  }
}

export class ListCredentials extends Query<CredentialView[]> {
  constructor(readonly projectName: string) {
    super();
  }
}

@CommandHandler(CreateCredential)
export class CreateCredentialHandler implements ICommandHandler<CreateCredential> {
  constructor(private readonly changes: CredentialChanges) {}

  execute({ context, projectName, request }: CreateCredential): Promise<void> {
    const { password, username, ...content } = request;
    return this.changes.create(context, { projectName, username }, { password, content });
  }
}

@CommandHandler(UpdateCredential)
export class UpdateCredentialHandler implements ICommandHandler<UpdateCredential> {
  constructor(private readonly changes: CredentialChanges) {}

  execute({ context, projectName, request }: UpdateCredential): Promise<void> {
    const { password, username, ...content } = request;
    return this.changes.withPassword(context, { projectName, username }, password, (reference) => ({
      type: 'UpdateCredential',
      password: reference,
      ...content,
    }));
  }
}

@CommandHandler(ChangePassword)
export class ChangePasswordHandler implements ICommandHandler<ChangePassword> {
  constructor(private readonly changes: CredentialChanges) {}

  execute({ context, projectName, username, password }: ChangePassword): Promise<void> {
    return this.changes.withPassword(context, { projectName, username }, password, (reference) => ({
      type: 'ChangePassword',
      password: reference,
    }));
  }
}

@CommandHandler(DeleteCredential)
export class DeleteCredentialHandler implements ICommandHandler<DeleteCredential> {
  constructor(private readonly changes: CredentialChanges) {}

  execute({ context, projectName, username }: DeleteCredential): Promise<void> {
    return this.changes.remove(context, { projectName, username });
  }
}

@QueryHandler(ListCredentials)
export class ListCredentialsHandler implements IQueryHandler<ListCredentials> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ projectName }: ListCredentials): Promise<CredentialView[]> {
    const projectId = await this.units.read((unit) => resolveProject(unit, projectName));
    const found = await this.database.query<Omit<CredentialView, 'password'>>(
      `select username, email, full_name as "fullName", description, enabled,
              to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "expireDate",
              roles as "roleNameList"
       from read_credentials where project_id = $1 order by username`,
      [projectId],
    );
    return found.rows.map((row) => ({ ...row, password: null }));
  }
}
