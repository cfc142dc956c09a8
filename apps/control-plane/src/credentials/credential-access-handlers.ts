import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ValidationFault } from '#libs/policy-contracts';
import { forgetAccess, noteAccess } from '../channel-upkeep/credential-access.ts';
import { invalid } from '../decider/domain-error.ts';
import type { RequestContext, Unit } from '../persistence/unit-of-work.ts';
import { CredentialChanges, type CredentialAddress } from './credential-changes.ts';
import type { NamedAccess } from './credential-requests.ts';
import type { RequestedAccess } from './domain/credential.decider.ts';

export class GrantAccess extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly address: CredentialAddress,
    readonly access: readonly NamedAccess[],
  ) {
    super();
  }
}

export class RevokeAccess extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly address: CredentialAddress,
    readonly access: readonly NamedAccess[],
  ) {
    super();
  }
}

/**
 * The proxies of a request, held so that none is deleted before the access to it is recorded.
 *
 * @throws DomainError VALIDATION_FAILED naming every one that is not there
 */
async function proxiesIn(unit: Unit, projectId: string, access: readonly NamedAccess[]): Promise<RequestedAccess[]> {
  const held = await unit.transaction.query<{ name: string; entity_id: string }>(
    `select name, entity_id from names where kind = 'api-proxy' and scope = $1 and name = any($2)
     order by name for key share`,
    [projectId, access.map(({ name }) => name)],
  );
  const ids = new Map(held.rows.map((row) => [row.name, row.entity_id]));
  const faults: ValidationFault[] = [];
  const found = access.flatMap(({ name, expiresAt }, index) => {
    const field = `credentialAccessList[${index}].name`;
    const proxyId = ids.get(name);
    if (proxyId !== undefined) return [{ proxyId, expiresAt, field, proxyName: name }];
    const message = `API Proxy (name:${name}) is not found or user does not have privilege to access it!`;
    faults.push({ field, code: 'unknown_api_proxy', message });
    return [];
  });
  if (faults.length > 0) throw invalid(faults);
  return found;
}

/** @throws DomainError VALIDATION_FAILED */
function refusePast(access: readonly NamedAccess[], now: string): void {
  const faults = access.flatMap(({ expiresAt }, index) => {
    const field = `credentialAccessList[${index}].expireTime`;
    if (expiresAt === null || expiresAt > now) return [];
    return [{ field, code: 'out_of_range', message: `${field} must be in the future` }];
  });
  if (faults.length > 0) throw invalid(faults);
}

/** Adds to the access list (the vendor's PUT). */
@CommandHandler(GrantAccess)
export class GrantAccessHandler implements ICommandHandler<GrantAccess> {
  constructor(private readonly changes: CredentialChanges) {}

  async execute({ context, address, access: named }: GrantAccess): Promise<void> {
    await this.changes.change(context, address, async (unit, { credentialId, projectId }) => {
      refusePast(named, unit.now);
      const access = await proxiesIn(unit, projectId, named);
      await noteAccess(
        unit.transaction,
        credentialId,
        access.map(({ proxyId }) => proxyId),
      );
      return { type: 'GrantAccess', access, now: unit.now };
    });
  }
}

@CommandHandler(RevokeAccess)
export class RevokeAccessHandler implements ICommandHandler<RevokeAccess> {
  constructor(private readonly changes: CredentialChanges) {}

  async execute({ context, address, access: named }: RevokeAccess): Promise<void> {
    await this.changes.change(context, address, async (unit, { credentialId, projectId }) => {
      const access = await proxiesIn(unit, projectId, named);
      await forgetAccess(
        unit.transaction,
        credentialId,
        access.map(({ proxyId }) => proxyId),
      );
      return { type: 'RevokeAccess', access };
    });
  }
}
