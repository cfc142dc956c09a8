import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type pg from 'pg';
import { DomainError } from '../../decider/domain-error.ts';
import { DATABASE } from '../../injection-tokens.ts';
import type { Access } from './access.ts';
import { API_CALL, type ApiCallFacts, type Permission } from '../api-call.ts';
import { isProtected } from './public-routes.ts';
import { accessOf, allowDeployments } from '../request-context.ts';

export const ACCESS_DENIED_MESSAGE = 'User does not have required permission for this operation!';

/** @param needed what to ask the administrator for */
const accessDenied = (needed?: string): DomainError =>
  new DomainError(
    'ACCESS_DENIED',
    needed === undefined ? ACCESS_DENIED_MESSAGE : `${ACCESS_DENIED_MESSAGE} It needs ${needed}`,
  );

/** What the token may do where the call takes place. */
type Allowed = (permission: Permission) => boolean;

/** The same words whether the project exists or not: who has no access to it does not learn that. */
const placeOf = (projectName: string | undefined): string =>
  projectName === undefined ? 'over all projects' : 'in this project';

/** The project in which the call's permission is asked for; undefined: in all of them. */
function projectAskedFor(request: FastifyRequest, facts: ApiCallFacts | undefined): string | undefined {
  if (facts?.isForAllProjects === true) return undefined;
  return (request.params as Readonly<Record<string, string | undefined>>)['projectName'];
}

/**
 * Asks for the permission that a call's `@ApiCall` names: in the project of the path, or in all of them where the path
 * has none. A call without it is an administrator's. Runs before the body is looked at by anybody but its parser.
 */
@Injectable()
export class PermissionGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  /** @throws DomainError ACCESS_DENIED */
  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    if (!isProtected(request)) return true;
    const access = accessOf(request);
    if (access === undefined) throw accessDenied();
    const facts = this.reflector.get<ApiCallFacts | undefined>(API_CALL, execution.getHandler());
    const projectName = projectAskedFor(request, facts);
    const allowed = await this.allowedAt(projectName, access);
    if (facts === undefined) {
      if (!access.mayEverywhere('ADMIN')) throw accessDenied();
    } else if (facts.permission !== 'ANY_TOKEN' && !allowed(facts.permission)) {
      throw accessDenied(`${facts.permission} ${placeOf(projectName)}`);
    }
    if (allowed('DEPLOY')) allowDeployments(request);
    return true;
  }

  private async allowedAt(projectName: string | undefined, access: Access): Promise<Allowed> {
    // Where all projects are open, one that does not exist is for the call itself to miss.
    if (projectName === undefined || access.visibleProjects === 'all') {
      return (permission) => access.mayEverywhere(permission);
    }
    const found = await this.database.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'project' and scope = '' and name = $1`,
      [projectName],
    );
    const projectId = found.rows[0]?.entity_id;
    return (permission) => access.may(permission, projectId);
  }
}
