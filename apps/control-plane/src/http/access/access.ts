import { ADMINISTRATOR_NAME } from '../../decider/actors.ts';
import type { Permission } from '../api-call.ts';

/** Ids of projects, or all there are and will be. */
export type ProjectScope = 'all' | ReadonlySet<string>;

/**
 * What a token opens. Projects are bound by id: one that is deleted and made again under its old name is another one,
 * and stays closed to the tokens of the first.
 */
export class Access {
  constructor(
    /** Name of the token. */
    readonly actor: string,
    private readonly permissions: ReadonlySet<Permission>,
    private readonly projects: ProjectScope,
  ) {}

  /** In one project. `undefined`: there is no such project; nobody but tokens for all projects may learn that. */
  may(permission: Permission, projectId: string | undefined): boolean {
    const isInScope = this.projects === 'all' || (projectId !== undefined && this.projects.has(projectId));
    return isInScope && this.has(permission);
  }

  /** Where a call concerns no single project. */
  mayEverywhere(permission: Permission): boolean {
    return this.projects === 'all' && this.has(permission);
  }

  /** Every permission lets its bearer look. */
  get visibleProjects(): ProjectScope {
    return this.projects;
  }

  /** ADMIN implies the others, each of them implies VIEW. */
  private has(permission: Permission): boolean {
    if (this.permissions.has('ADMIN') || this.permissions.has(permission)) return true;
    return permission === 'VIEW' && this.permissions.size > 0;
  }
}

/** The bearer of ADMIN_TOKEN. */
export const ADMINISTRATOR = new Access(ADMINISTRATOR_NAME, new Set(['ADMIN']), 'all');
