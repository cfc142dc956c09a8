import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { DeployStrategy, ValidationFault } from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { DATABASE } from '../injection-tokens.ts';
import type { Queryable } from '../persistence/secret-vault.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import { environmentsOf, requireDeployPermission, type DeploymentTarget } from './deployment-requests.ts';

export interface DeployOrder {
  readonly deploy: boolean;
  readonly environmentNames: readonly string[];
  /** Path of the list in the request, for faults. */
  readonly field: string;
  /** Where the list is of objects: the member that holds the name. */
  readonly member?: string;
  /** Path of each name, where they are in no such list. */
  readonly paths?: readonly string[];
  /** Its waves hold the names. */
  readonly strategy?: DeployStrategy;
}

type NamedEnvironments = Omit<DeployOrder, 'deploy' | 'strategy'>;

function pathOf({ field, member, paths }: NamedEnvironments, index: number): string {
  return paths?.[index] ?? (member === undefined ? `${field}[${index}]` : `${field}[${index}].${member}`);
}

// Named: planned once on each connection.
const LOOK_UP = {
  name: 'environments_look_up_1',
  text: `
    select name, entity_id from names where kind = 'environment' and scope = '' and name = any($1) order by name`,
};

async function lookUp(
  from: Queryable,
  order: NamedEnvironments,
  lock: '' | 'for key share' = '',
): Promise<{ targets: DeploymentTarget[]; faults: ValidationFault[] }> {
  const targets: DeploymentTarget[] = [];
  const faults: ValidationFault[] = [];
  if (order.environmentNames.length === 0) return { targets, faults };
  const statement = lock === '' ? LOOK_UP : `${LOOK_UP.text} ${lock}`;
  const found = await from.query<{ name: string; entity_id: string }>(statement, [order.environmentNames]);
  const ids = new Map(found.rows.map((row) => [row.name, row.entity_id]));
  order.environmentNames.forEach((environmentName, index) => {
    const environmentId = ids.get(environmentName);
    if (environmentId !== undefined) targets.push({ environmentId, environmentName });
    else {
      const field = pathOf(order, index);
      faults.push({ field, code: 'unknown_environment', message: `${field} names an environment that does not exist` });
    }
  });
  return { targets, faults };
}

/**
 * Environments that a change speaks of without deploying to them; none of them can be deleted before it is recorded.
 *
 * @throws DomainError VALIDATION_FAILED naming every unknown environment
 */
export async function holdEnvironments(unit: Unit, order: NamedEnvironments): Promise<DeploymentTarget[]> {
  const { targets, faults } = await lookUp(unit.transaction, order, 'for key share');
  if (faults.length > 0) throw invalid(faults);
  return targets;
}

/**
 * The environments a change is to be deployed to. Every name is checked, also when nothing is to be deployed; without
 * names they are those where the proxy is deployed now (contract 4.1).
 *
 * @throws DomainError VALIDATION_FAILED naming every unknown environment, ACCESS_DENIED
 */
export async function deploymentTargets(unit: Unit, order: DeployOrder, proxyId: string): Promise<DeploymentTarget[]> {
  const { targets, faults } = await lookUp(unit.transaction, order);
  if (faults.length > 0) throw invalid(faults);
  if (!order.deploy) return [];
  requireDeployPermission(unit);
  return order.environmentNames.length > 0 ? targets : environmentsOf(unit, proxyId);
}

/** Unknown environments in a request, so that they are reported together with its other faults. */
@Injectable()
export class EnvironmentNameCheck {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  async faultsOf(environmentNames: readonly string[], field: string): Promise<ValidationFault[]> {
    return (await lookUp(this.database, { environmentNames, field })).faults;
  }

  /** The same of names that are scattered over a request. */
  async faultsAt(places: readonly { readonly name: string; readonly path: string }[]): Promise<ValidationFault[]> {
    const environmentNames = places.map(({ name }) => name);
    const paths = places.map(({ path }) => path);
    return (await lookUp(this.database, { environmentNames, field: '', paths })).faults;
  }
}
