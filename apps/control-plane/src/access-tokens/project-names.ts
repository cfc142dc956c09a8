import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { ValidationFault } from '#libs/policy-contracts';
import { DATABASE } from '../injection-tokens.ts';
import type { Queryable } from '../persistence/secret-vault.ts';
import type { OpenedProject } from './domain/access-token.decider.ts';

/** In place of names: every project there is and will be. */
export const ALL_PROJECTS = '*';

interface LookedUp {
  readonly projects: 'all' | readonly OpenedProject[];
  readonly faults: readonly ValidationFault[];
}

const fault = (index: number, code: string, message: string): ValidationFault => ({
  field: `projects[${index}]`,
  code,
  message: `projects[${index}] ${message}`,
});

async function lookUp(from: Queryable, names: readonly string[], lock: '' | 'for key share'): Promise<LookedUp> {
  if (names.includes(ALL_PROJECTS)) {
    const others = names.flatMap((name, index) => (name === ALL_PROJECTS ? [] : [index]));
    return { projects: 'all', faults: others.map((at) => fault(at, 'invalid', 'must not stand beside "*"')) };
  }
  const found = await from.query<{ name: string; entity_id: string }>(
    `select name, entity_id from names where kind = 'project' and scope = '' and name = any($1) order by name ${lock}`,
    [names],
  );
  const known = new Set(found.rows.map(({ name }) => name));
  const unknown = names.flatMap((name, index) => (known.has(name) ? [] : [index]));
  return {
    projects: found.rows.map((row) => ({ projectId: row.entity_id, name: row.name })),
    faults: unknown.map((at) => fault(at, 'unknown_project', 'names a project that does not exist')),
  };
}

/** The projects behind the names, kept from being deleted until the transaction ends. */
export const heldProjects = (transaction: Queryable, names: readonly string[]): Promise<LookedUp> =>
  lookUp(transaction, names, 'for key share');

/** Unknown projects in a request, so that they are reported together with its other faults. */
@Injectable()
export class ProjectNameCheck {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  async faultsOf(names: readonly string[]): Promise<readonly ValidationFault[]> {
    return (await lookUp(this.database, names, '')).faults;
  }
}
