import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../channel-upkeep/channel-upkeep.port.ts';
import { tokenLivesProjection, tokensEndAtMs } from '../channel-upkeep/token-lives.ts';
import { revokeTokens, tokensOfLogin, tokensOfUser } from '../channel-upkeep/token-revocations.ts';
import { invalidField, notFound } from '../decider/domain-error.ts';
import { ReadModels } from '../persistence/read-models.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import { ROOM_IN_PROJECT, type RoomInProject } from '../projects/limits/room-in-project.port.ts';
import { resolveCredential, type CredentialAddress } from './credential-changes.ts';
import { credentialDecider, credentialStream, type ActiveCredential } from './domain/credential.decider.ts';
import { issuingPolicies } from './issuing-policies.ts';
import {
  REFRESH_FAMILIES,
  type FamilyOwner,
  type RefreshFamilies,
  type RefreshFamily,
} from './refresh-families.port.ts';

/** A login as it is told: by the proxy's name. Proxy and policy are null where a credential's own settings issued. */
export interface RefreshFamilyView extends Omit<RefreshFamily, 'proxyId' | 'policy' | 'scope'> {
  readonly proxy: string | null;
  readonly policy: string | null;
  readonly scope: string | null;
}

export class ListRefreshFamilies extends Query<RefreshFamilyView[]> {
  constructor(
    readonly address: CredentialAddress,
    readonly environmentName: string,
  ) {
    super();
  }
}

/** Gives how many logins ended. */
export class RevokeRefreshFamilies extends Command<number> {
  constructor(
    readonly context: RequestContext,
    readonly address: CredentialAddress,
    readonly environmentName: string,
    /** Undefined: all of the user. */
    readonly family: string | undefined,
  ) {
    super();
  }
}

/** Under `/credential`, where no proxy is named: gateways count such logins of a user as those of one policy. */
const OWN_SETTINGS = { proxyId: '', policy: '' };

interface Whereabouts {
  readonly credential: ActiveCredential;
  readonly environmentId: string;
  readonly owners: readonly FamilyOwner[];
  /** By id. */
  readonly proxyNames: ReadonlyMap<string, string>;
}

/** @throws DomainError NOT_FOUND, VALIDATION_FAILED for an unknown environment */
async function whereabouts(unit: Unit, address: CredentialAddress, environmentName: string): Promise<Whereabouts> {
  const credential = await resolveCredential(unit, address);
  const environmentId = await unit.names.find('environment', '', environmentName);
  if (environmentId === undefined) {
    const message = 'environmentName names an environment that does not exist';
    throw invalidField('environmentName', 'unknown_environment', message);
  }
  const { projectId, username } = credential;
  const proxies = await unit.names.all('api-proxy', projectId);
  const issuing = await issuingPolicies(unit, [...proxies.values()]);
  const owners = [OWN_SETTINGS, ...issuing].map((policy) => ({ ...policy, username }));
  const proxyNames = new Map([...proxies].map(([name, proxyId]) => [proxyId, name]));
  return { credential, environmentId, owners, proxyNames };
}

@QueryHandler(ListRefreshFamilies)
export class ListRefreshFamiliesHandler implements IQueryHandler<ListRefreshFamilies> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(REFRESH_FAMILIES) private readonly families: RefreshFamilies,
  ) {}

  async execute({ address, environmentName }: ListRefreshFamilies): Promise<RefreshFamilyView[]> {
    const found = await this.units.read((unit) => whereabouts(unit, address, environmentName));
    const families = await this.families.list(found.environmentId, found.owners);
    return families.map(({ proxyId, policy, scope, ...family }) => ({
      ...family,
      ...(proxyId === OWN_SETTINGS.proxyId
        ? { proxy: null, policy: null }
        : { proxy: found.proxyNames.get(proxyId) ?? proxyId, policy }),
      scope: scope ?? null,
    }));
  }
}

/**
 * Redis first, then the event: what ended without being recorded is ended all the same, and is never claimed in vain. No
 * transaction is open meanwhile: a Redis that does not answer would hold up changes that have nothing to do with it. The
 * access tokens of what ended are revoked with the event, and their gateways told at once.
 */
@CommandHandler(RevokeRefreshFamilies)
export class RevokeRefreshFamiliesHandler implements ICommandHandler<RevokeRefreshFamilies> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(REFRESH_FAMILIES) private readonly families: RefreshFamilies,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
    @Inject(ROOM_IN_PROJECT) private readonly room: RoomInProject,
  ) {}

  async execute({ context, address, environmentName, family }: RevokeRefreshFamilies): Promise<number> {
    const found = await this.units.read(async (unit) => {
      const found = await whereabouts(unit, address, environmentName);
      // All logins of a user take one place, however often they are ended; each single one takes one of its own.
      if (family !== undefined) await this.room.forRevocations(unit, found.credential.projectId);
      return found;
    });
    const { credential, environmentId, owners } = found;
    const count = await this.families.revoke(environmentId, owners, family);
    if (family !== undefined && count === 0) throw notFound(`Refresh token family (id: ${family})`);
    const command = { type: 'NoteRevokedFamilies', environmentId, family: family ?? null, count } as const;
    const { credentialId, projectId, username } = credential;
    const isShown = await this.readModels.upToDate(tokenLivesProjection);
    await this.units.run(context, async (unit) => {
      await unit.change(credentialDecider, credentialStream(credentialId), command);
      const endsAtMs = await tokensEndAtMs(unit.transaction, { isShown, projectId, now: unit.now });
      const until = { now: unit.now, endsAtMs };
      const ended = family === undefined ? tokensOfUser(username, until) : [tokensOfLogin(family, endsAtMs)];
      await revokeTokens(unit, environmentId, ended, { projectId });
    });
    await this.upkeep.soon();
    return count;
  }
}
