import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { createPasswordVerifier } from '#libs/policy-contracts';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../channel-upkeep/channel-upkeep.port.ts';
import { forgetAccess } from '../channel-upkeep/credential-access.ts';
import { wishIdentity } from '../channel-upkeep/identity-wishes.ts';
import { tokenLivesProjection, tokensEndAtMs } from '../channel-upkeep/token-lives.ts';
import { revokeTokensEverywhere, tokensOfUser } from '../channel-upkeep/token-revocations.ts';
import { notFound } from '../decider/domain-error.ts';
import type { SecretReference } from '../decider/secret-reference.ts';
import { VAULT } from '../injection-tokens.ts';
import { holdProject, resolveProject } from '../persistence/project-scope.ts';
import { ProjectTurns } from '../turns/project-turns.ts';
import { ReadModels } from '../persistence/read-models.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import { ROOM_IN_PROJECT, type RoomInProject } from '../projects/limits/room-in-project.port.ts';
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

/** Access tokens of a user die with the password, and with the user, in every environment. */
async function endTokens(unit: Unit, { username, projectId }: ActiveCredential, isShown: boolean): Promise<void> {
  const endsAtMs = await tokensEndAtMs(unit.transaction, { isShown, projectId, now: unit.now });
  await revokeTokensEverywhere(unit, projectId, tokensOfUser(username, { now: unit.now, endsAtMs }));
}

/** Of one project, for their passwords to be hashed: some ten seconds of work. */
const MOST_WAITING = 200;

/** What every change of a user has in common: the password as a verifier in the vault, and the gateways told at once. */
@Injectable()
export class CredentialChanges {
  private readonly hashing = new ProjectTurns('changes of passwords', MOST_WAITING);

  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
    @Inject(ROOM_IN_PROJECT) private readonly room: RoomInProject,
  ) {}

  async create(
    context: RequestContext,
    { projectName: project, username }: CredentialAddress,
    { password, content }: { password: string; content: CredentialContent },
  ): Promise<void> {
    const verifier = await this.verifierOf(project, password);
    await this.units.run(context, async (unit) => {
      const projectId = await holdProject(unit, project);
      const credentialId = randomUUID();
      await this.room.forOneMore(unit, projectId, 'credentials');
      await this.room.forRevocations(unit, projectId);
      await unit.names.takeInTokens('credential', username, credentialId);
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
   * @param afterwards writes what comes of it, into the same one.
   * @returns the user after it.
   */
  async change(
    context: RequestContext,
    address: CredentialAddress,
    commandOf: (unit: Unit, credential: ActiveCredential) => CredentialCommand | Promise<CredentialCommand>,
    afterwards: (unit: Unit, credential: ActiveCredential) => Promise<void> = () => Promise.resolve(),
  ): Promise<ActiveCredential> {
    const changed = await this.units.run(context, async (unit) => {
      const credential = await resolveCredential(unit, address);
      const { credentialId, username } = credential;
      const command = await commandOf(unit, credential);
      const state = await unit.change(credentialDecider, credentialStream(credentialId), command);
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
      await afterwards(unit, credential);
      return requireCredential(state);
    });
    await this.upkeep.soon();
    return changed;
  }

  /**
   * A change that brings a password. Another one destroys the old, and ends with it every login by it and every access
   * token; the same one does not.
   */
  async withPassword(
    context: RequestContext,
    address: CredentialAddress,
    password: string,
    commandOf: (reference: SecretReference) => CredentialCommand,
  ): Promise<void> {
    const verifier = await this.verifierOf(address.projectName, password);
    const isShown = await this.readModels.upToDate(tokenLivesProjection);
    const isSame = ({ password: old }: ActiveCredential): boolean =>
      old.fingerprint === this.vault.fingerprint(password);
    const withVerifier = async (unit: Unit, credential: ActiveCredential): Promise<CredentialCommand> => {
      if (isSame(credential)) return commandOf(credential.password);
      await this.vault.destroy(unit.transaction, credential.password.secretId);
      return commandOf(await this.vault.put(unit.transaction, 'password', verifier, password));
    };
    await this.change(context, address, withVerifier, async (unit, before) => {
      if (!isSame(before)) await endTokens(unit, before, isShown);
    });
  }

  private verifierOf(projectName: string, password: string): Promise<string> {
    return this.hashing.call(projectName, () => this.hashing.piece(() => createPasswordVerifier(password)));
  }

  async remove(context: RequestContext, address: CredentialAddress): Promise<void> {
    const isShown = await this.readModels.upToDate(tokenLivesProjection);
    await this.units.run(context, async (unit) => {
      const credential = await resolveCredential(unit, address);
      const { credentialId, projectId, username, password } = credential;
      await unit.change(credentialDecider, credentialStream(credentialId), { type: 'DeleteCredential' });
      await this.vault.destroy(unit.transaction, password.secretId);
      await unit.names.free('credential', '', username);
      await unit.names.free('project-credential', projectId, username);
      await forgetAccess(unit.transaction, credentialId);
      await wishIdentity(unit.transaction, { kind: 'credential', subject: username, entityId: credentialId });
      await endTokens(unit, credential, isShown);
    });
    await this.upkeep.soon();
  }
}
