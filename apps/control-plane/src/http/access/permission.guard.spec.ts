import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type pg from 'pg';
import { DomainError } from '../../decider/domain-error.ts';
import { Access } from './access.ts';
import { API_CALL, type ApiCallFacts, type Permission } from '../api-call.ts';
import { PermissionGuard } from './permission.guard.ts';
import { Asker, rememberAsker } from '../request-context.ts';

const PROJECTS = new Map([['shop', 'j-1']]);
const database = {
  query: async (_text: string, [name]: [string]) => {
    const id = PROJECTS.get(name);
    return { rows: id === undefined ? [] : [{ entity_id: id }] };
  },
} as unknown as pg.Pool;

const token = (permissions: readonly Permission[], projects: 'all' | readonly string[]): Access =>
  new Access('ci', new Set(permissions), projects === 'all' ? 'all' : new Set(projects));

interface Case {
  readonly access: Access | undefined;
  readonly permission: ApiCallFacts['permission'] | undefined;
  readonly projectName?: string;
  readonly route?: string;
}

/** What Nest hands to a guard of a call. */
function executionOf({ access, permission, projectName, route = '/apiops/things' }: Case): ExecutionContext {
  const params = projectName === undefined ? {} : { projectName };
  const request = { routeOptions: { url: route }, url: route, headers: {}, params } as unknown as FastifyRequest;
  if (access !== undefined) rememberAsker(request, access, 'r-1');
  const handler = () => undefined;
  if (permission !== undefined) Reflect.defineMetadata(API_CALL, { permission }, handler);
  return {
    getHandler: () => handler,
    switchToHttp: () => ({ getRequest: () => request }),
  } as unknown as ExecutionContext;
}

async function outcome(one: Case): Promise<string> {
  try {
    return String(await new PermissionGuard(new Reflector(), database).canActivate(executionOf(one)));
  } catch (error) {
    return error instanceof DomainError ? error.code : String(error);
  }
}

/** Whether the asker could deploy after the guard had let it through. */
async function mayDeploy(one: Case): Promise<unknown> {
  const execution = executionOf(one);
  await new PermissionGuard(new Reflector(), database).canActivate(execution);
  const { factory } = askerParameter();
  return (factory(undefined, execution) as { mayDeploy: boolean }).mayDeploy;
}

/** The function behind `@Asker()`. */
function askerParameter(): { factory: (data: unknown, execution: ExecutionContext) => unknown } {
  class Bearer {
    call(_asker: unknown): void {}
  }
  Asker()(Bearer.prototype, 'call', 0);
  const found = Reflect.getMetadata('__routeArguments__', Bearer, 'call') as Record<string, { factory: never }>;
  const [parameter] = Object.values(found);
  if (parameter === undefined) throw new Error('no parameter was decorated');
  return parameter;
}

const DENIED = 'ACCESS_DENIED';

describe('the guard of the calls', () => {
  it.each<[string, Case, string]>([
    [
      'the permission in the project',
      { access: token(['MANAGE'], ['j-1']), permission: 'MANAGE', projectName: 'shop' },
      'true',
    ],
    [
      'another permission in the project',
      { access: token(['MANAGE'], ['j-1']), permission: 'DEPLOY', projectName: 'shop' },
      DENIED,
    ],
    [
      'the permission in another project',
      { access: token(['ADMIN'], ['j-2']), permission: 'VIEW', projectName: 'shop' },
      DENIED,
    ],
    [
      'the permission in all projects',
      { access: token(['VIEW'], 'all'), permission: 'VIEW', projectName: 'shop' },
      'true',
    ],
    [
      'all projects, in one that does not exist',
      { access: token(['VIEW'], 'all'), permission: 'VIEW', projectName: 'none' },
      'true',
    ],
    [
      'one project, in one that does not exist',
      { access: token(['ADMIN'], ['j-1']), permission: 'VIEW', projectName: 'none' },
      DENIED,
    ],
    ['one project, where none is named', { access: token(['ADMIN'], ['j-1']), permission: 'VIEW' }, DENIED],
    ['all projects, where none is named', { access: token(['ADMIN'], 'all'), permission: 'ADMIN' }, 'true'],
    ['any token, where any is enough', { access: token(['VIEW'], []), permission: 'ANY_TOKEN' }, 'true'],
    [
      'all but ADMIN, where nothing is said of the call',
      { access: token(['VIEW', 'MANAGE', 'DEPLOY'], 'all'), permission: undefined },
      DENIED,
    ],
    [
      'ADMIN in the project, where nothing is said',
      { access: token(['ADMIN'], ['j-1']), permission: undefined, projectName: 'shop' },
      DENIED,
    ],
    [
      'ADMIN in all projects, where nothing is said',
      { access: token(['ADMIN'], 'all'), permission: undefined },
      'true',
    ],
    ['no token at a call that is not public', { access: undefined, permission: 'ANY_TOKEN' }, DENIED],
    ['no token at a public call', { access: undefined, permission: undefined, route: '/apiops/auth/token' }, 'true'],
    ['no token below the public page', { access: undefined, permission: undefined, route: '/apiops/docs/*' }, 'true'],
  ])('answers to %s', async (_what, one, expected) => {
    expect(await outcome(one)).toBe(expected);
  });

  it.each<[string, Access, string | undefined, boolean]>([
    ['DEPLOY in the project', token(['DEPLOY'], ['j-1']), 'shop', true],
    ['ADMIN in the project', token(['ADMIN'], ['j-1']), 'shop', true],
    ['MANAGE in the project', token(['MANAGE'], ['j-1']), 'shop', false],
    ['DEPLOY in all projects', token(['DEPLOY'], 'all'), undefined, true],
    ['DEPLOY in one, where none is named', token(['DEPLOY'], ['j-1']), undefined, false],
  ])('lets %s deploy or not', async (_what, access, projectName, expected) => {
    const place = projectName === undefined ? {} : { projectName };
    expect(await mayDeploy({ access, permission: 'ANY_TOKEN', ...place })).toBe(expected);
  });
});
