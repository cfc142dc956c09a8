import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { createPasswordVerifier } from '#libs/policy-contracts';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../channel-upkeep/channel-upkeep.port.ts';
import { forgetAccess } from '../channel-upkeep/credential-access.ts';
import { wishIdentity } from '../channel-upkeep/identity-wishes.ts';
import { notFound } from '../decider/domain-error.ts';
import type { SecretReference } from '../decider/secret-reference.ts';
import { VAULT } from '../injection-tokens.ts';
import { holdProject, resolveProject } from '../persistence/project-scope.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import {
  credentialDecider,
  credentialStream,
  requireCredential,
  type ActiveCredential,
  type CredentialCommand,
  type CredentialContent,
} from './domain/credential.decider.ts';

export interface CredentialAddress {
  readonly projectName: string;
  readonly username: string;
}

/**
 * User names are unique over all projects; another project's user is not there for this one.
 *
 * @throws DomainError NOT_FOUND
 */
export async function resolveCredential(
  unit: Unit,
  { projectName, username }: CredentialAddress,
): Promise<ActiveCredential> {
  const projectId = await resolveProject(unit, projectName);
  const credentialId = await unit.names.resolve('project-credential', projectId, username);
  const { state } = await unit.load(credentialDecider, credentialStream(credentialId));
  if (state.status === 'absent') throw notFound(`Credential (name: ${username})`);
  return state;
}

/** What every change of a user has in common: the password as a verifier in the vault, and the gateways told at once. */
@Injectable()
export class CredentialChanges {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
  ) {}

  async create(
    context: RequestContext,
    { projectName: project, username }: CredentialAddress,
    { password, content }: { password: string; content: CredentialContent },
  ): Promise<void> {
    const verifier = await createPasswordVerifier(password);
    await this.units.run(context, async (unit) => {
      const projectId = await holdProject(unit, project);
      const credentialId = randomUUID();
      await unit.names.take('credential', '', username, credentialId);
      await unit.names.take('project-credential', projectId, username, credentialId);
      const reference = await this.vault.put(unit.transaction, 'password', verifier, password);
      await unit.change(credentialDecider, credentialStream(credentialId), {
        type: 'CreateCredential',
        ...{ credentialId, projectId, project, username, password: reference, ...content },
      });
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
    });
    await this.upkeep.soon();
  }

  /**
   * A change of one user.
   *
   * @param commandOf what is to be decided; may write what belongs to it into the same transaction.
   * @returns the user after it.
   */
  async change(
    context: RequestContext,
    address: CredentialAddress,
    commandOf: (unit: Unit, credential: ActiveCredential) => CredentialCommand | Promise<CredentialCommand>,
  ): Promise<ActiveCredential> {
    const changed = await this.units.run(context, async (unit) => {
      const credential = await resolveCredential(unit, address);
      const { credentialId, username } = credential;
      const command = await commandOf(unit, credential);
      const state = await unit.change(credentialDecider, credentialStream(credentialId), command);
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
      return requireCredential(state);
    });
    await this.upkeep.soon();
    return changed;
  }

  /** A change that brings a password. Another one destroys the old, and with it every login by it; the same one does not. */
  async withPassword(
    context: RequestContext,
    address: CredentialAddress,
    password: string,
    commandOf: (reference: SecretReference) => CredentialCommand,
  ): Promise<void> {
    const verifier = await createPasswordVerifier(password);
    await this.change(context, address, async (unit, { password: old }) => {
      if (old.fingerprint === this.vault.fingerprint(password)) return commandOf(old);
      await this.vault.destroy(unit.transaction, old.secretId);
      return commandOf(await this.vault.put(unit.transaction, 'password', verifier, password));
    });
  }

  async remove(context: RequestContext, address: CredentialAddress): Promise<void> {
    await this.units.run(context, async (unit) => {
      const { credentialId, projectId, username, password } = await resolveCredential(unit, address);
      await unit.change(credentialDecider, credentialStream(credentialId), { type: 'DeleteCredential' });
      await this.vault.destroy(unit.transaction, password.secretId);
      await unit.names.free('credential', '', username);
      await unit.names.free('project-credential', projectId, username);
      await forgetAccess(unit.transaction, credentialId);
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
    });
    await this.upkeep.soon();
  }
}
