import { Inject, Injectable } from '@nestjs/common';
import { revocationsOfProject } from '../../channel-upkeep/token-revocations.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { PROJECT_LIMITS, type ProjectLimitName } from '../domain/project-limits.ts';
import { conflict, type DomainError } from '../../decider/domain-error.ts';
import { CONTROL_PLANE_CONFIG } from '../../injection-tokens.ts';
import type { NameKind } from '../../persistence/name-registry.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import { projectDecider, projectStream } from '../domain/project.decider.ts';
import type { Grown, RoomInProject } from './room-in-project.port.ts';

/** Under which kind of name a project holds what is limited. */
const KINDS = {
  proxies: 'api-proxy',
  credentials: 'project-credential',
  keyStores: 'key-store',
  variables: 'variable',
} as const satisfies Partial<Record<ProjectLimitName, NameKind>>;

const HOLD = { name: 'project_room_hold_1', text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))' };
const COUNT = {
  name: 'project_room_count_1',
  text: 'select count(*)::integer as count from names where kind = $1 and scope = $2',
};

/** Counts what a project holds by its names in use, which are taken and freed with the change itself. */
@Injectable()
export class CountedRoom implements RoomInProject {
  constructor(@Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig) {}

  async forOneMore(unit: Unit, projectId: string, what: keyof typeof KINDS): Promise<void> {
    const kind = KINDS[what];
    // Sent together, carried out one after the other: it is counted once the place is held.
    const held = unit.transaction.ask(HOLD, [`room ${kind} ${projectId}`]);
    const counted = unit.transaction.ask<{ count: number }>(COUNT, [kind, projectId]);
    const [limit, { rows }] = await Promise.all([this.limitOf(unit, projectId, what), counted, held]);
    if ((rows[0]?.count ?? 0) >= limit) throw noRoom(what, limit);
  }

  async forRevocations(unit: Unit, projectId: string): Promise<void> {
    const { projectMaxRevocations: most } = this.config;
    const count = await revocationsOfProject(unit.transaction, projectId, Date.now());
    if (count >= most) throw tooManyRevocations(most);
  }

  async inProxy(unit: Unit, projectId: string, grown: Grown): Promise<void> {
    for (const [what, count] of [
      ['policiesPerProxy', grown.policies],
      ['endpointsPerProxy', grown.endpoints],
    ] as const) {
      if (count === undefined) continue;
      const limit = await this.limitOf(unit, projectId, what);
      if (count > limit) throw noRoom(what, limit);
    }
  }

  private async limitOf(unit: Unit, projectId: string, what: ProjectLimitName): Promise<number> {
    const state = await unit.peek(projectDecider, projectStream(projectId));
    return (state.status === 'active' ? state.limits?.[what] : null) ?? this.config.projectLimits[what];
  }
}

const tooManyRevocations = (most: number): DomainError =>
  conflict(
    `the project may have ${most} revoked users, clients and logins whose tokens could still be valid, in each environment ` +
      '(the setting PROJECT_MAX_REVOCATIONS): no new user name or public key, and no single login is ended, before some have expired',
  );

function noRoom(name: ProjectLimitName, limit: number): DomainError {
  const { what, setting } = PROJECT_LIMITS[name];
  return conflict(
    `the project may hold ${limit} ${what} and no more (limit ${name}: the setting ${setting}, or its own by PUT P/settings/limits/)`,
  );
}
