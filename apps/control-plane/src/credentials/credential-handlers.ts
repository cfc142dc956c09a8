import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import { CredentialChanges } from './credential-changes.ts';
import type { CredentialRequest } from './credential-requests.ts';

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
