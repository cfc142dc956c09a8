import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { createPasswordVerifier } from '#libs/policy-contracts';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../channel-upkeep/channel-upkeep.port.ts';
import { wishIdentity } from '../channel-upkeep/identity-wishes.ts';
import { notFound } from '../decider/domain-error.ts';
import { DATABASE, VAULT } from '../injection-tokens.ts';
import { holdProject, resolveProject } from '../persistence/project-scope.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import {
  credentialDecider,
  credentialStream,
  requireCredential,
  type ActiveCredential,
  type CredentialContent,
} from './domain/credential.decider.ts';

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

/** User names are unique over all projects; another project's user is not there for this one. */
async function resolveCredential(unit: Unit, projectName: string, username: string): Promise<ActiveCredential> {
  const projectId = await resolveProject(unit, projectName);
  const credentialId = await unit.names.resolve('credential', '', username);
  const { state } = await unit.load(credentialDecider, credentialStream(credentialId));
  const credential = requireCredential(state);
  if (credential.projectId !== projectId) throw notFound(`Credential (name: ${username})`);
  return credential;
}

@CommandHandler(CreateCredential)
export class CreateCredentialHandler implements ICommandHandler<CreateCredential> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, projectName: project, request }: CreateCredential): Promise<void> {
    const { password, username, ...content } = request;
    const verifier = await createPasswordVerifier(password);
    await this.units.run(context, async (unit) => {
      const projectId = await holdProject(unit, project);
      const credentialId = randomUUID();
      await unit.names.take('credential', '', username, credentialId);
      const reference = await this.vault.put(unit.transaction, 'password', verifier, password);
      await unit.change(credentialDecider, credentialStream(credentialId), {
        type: 'CreateCredential',
        ...{ credentialId, projectId, project, username, password: reference, ...content },
      });
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
    });
    await this.upkeep.soon();
  }
}

@CommandHandler(UpdateCredential)
export class UpdateCredentialHandler implements ICommandHandler<UpdateCredential> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, projectName, request }: UpdateCredential): Promise<void> {
    const { password, username, ...content } = request;
    const verifier = await createPasswordVerifier(password);
    await this.units.run(context, async (unit) => {
      const { credentialId, password: old } = await resolveCredential(unit, projectName, username);
      const reference = await this.vault.put(unit.transaction, 'password', verifier, password);
      await unit.change(credentialDecider, credentialStream(credentialId), {
        type: 'UpdateCredential',
        password: reference,
        ...content,
      });
      await this.vault.destroy(unit.transaction, old.secretId);
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
    });
    await this.upkeep.soon();
  }
}

@CommandHandler(ChangePassword)
export class ChangePasswordHandler implements ICommandHandler<ChangePassword> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, projectName, username, password }: ChangePassword): Promise<void> {
    const verifier = await createPasswordVerifier(password);
    await this.units.run(context, async (unit) => {
      const { credentialId, password: old } = await resolveCredential(unit, projectName, username);
      const reference = await this.vault.put(unit.transaction, 'password', verifier, password);
      const command = { type: 'ChangePassword', password: reference } as const;
      await unit.change(credentialDecider, credentialStream(credentialId), command);
      await this.vault.destroy(unit.transaction, old.secretId);
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
    });
    await this.upkeep.soon();
  }
}

@CommandHandler(DeleteCredential)
export class DeleteCredentialHandler implements ICommandHandler<DeleteCredential> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async execute({ context, projectName, username }: DeleteCredential): Promise<void> {
    await this.units.run(context, async (unit) => {
      const { credentialId, password } = await resolveCredential(unit, projectName, username);
      await unit.change(credentialDecider, credentialStream(credentialId), { type: 'DeleteCredential' });
      await this.vault.destroy(unit.transaction, password.secretId);
      await unit.names.free('credential', '', username);
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
    });
    await this.upkeep.soon();
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
