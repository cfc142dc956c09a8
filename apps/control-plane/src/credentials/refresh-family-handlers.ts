import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { invalidField, notFound } from '../decider/domain-error.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import { resolveCredential, type CredentialAddress } from './credential-changes.ts';
import { credentialDecider, credentialStream, type ActiveCredential } from './domain/credential.decider.ts';
import { issuingPolicies } from './issuing-policies.ts';
import {
  REFRESH_FAMILIES,
  type FamilyOwner,
  type RefreshFamilies,
  type RefreshFamily,
} from './refresh-families.port.ts';

/** A login as it is told: by the proxy's name. */
export interface RefreshFamilyView extends Omit<RefreshFamily, 'proxyId' | 'scope'> {
  readonly proxy: string;
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
  const owners = issuing.map((policy) => ({ ...policy, username }));
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
    return families.map(({ proxyId, scope, ...family }) => ({
      ...family,
      proxy: found.proxyNames.get(proxyId) ?? proxyId,
      scope: scope ?? null,
    }));
  }
}

/**
 * Redis first, then the event: what ended without being recorded is ended all the same, and is never claimed in vain. No
 * transaction is open meanwhile: a Redis that does not answer would hold up changes that have nothing to do with it.
 */
@CommandHandler(RevokeRefreshFamilies)
export class RevokeRefreshFamiliesHandler implements ICommandHandler<RevokeRefreshFamilies> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(REFRESH_FAMILIES) private readonly families: RefreshFamilies,
  ) {}

  async execute({ context, address, environmentName, family }: RevokeRefreshFamilies): Promise<number> {
    const found = await this.units.read((unit) => whereabouts(unit, address, environmentName));
    const { credential, environmentId, owners } = found;
    const count = await this.families.revoke(environmentId, owners, family);
    if (family !== undefined && count === 0) throw notFound(`Refresh token family (id: ${family})`);
    const command = { type: 'NoteRevokedFamilies', environmentId, family: family ?? null, count } as const;
    await this.units.run(context, (unit) =>
      unit.change(credentialDecider, credentialStream(credential.credentialId), command),
    );
    return count;
  }
}
