import { conflict, DomainError } from '../decider/domain-error.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import { environmentDeploymentsStream, type DeploymentRequested } from './deployment-events.ts';

export interface DeploymentTarget {
  readonly environmentId: string;
  readonly environmentName: string;
}

export interface DeploymentWish {
  readonly kind: 'publish' | 'undeploy';
  readonly proxyId: string;
  readonly revision: number;
  readonly description: string;
}

/** A wish once it has its number. */
export interface RequestedDeployment extends DeploymentTarget {
  readonly deployment: number;
  readonly proxyId: string;
  readonly revision: number;
}

/** A wish whose wave has not begun: it gets its number then. */
export interface WaitingDeployment extends DeploymentTarget {
  readonly deployment: null;
  readonly proxyId: string;
  readonly revision: number;
  readonly rolloutId: string;
  /** From 1. */
  readonly wave: number;
}

/** What a request waits for. */
export type AwaitedDeployment = RequestedDeployment | WaitingDeployment;

/** Who is to be named as the one who asked. */
export interface DeploymentAsker {
  readonly actor: string;
  readonly requestId: string;
  /** Of an `Idempotency-Key`. */
  readonly attemptId: string | null;
}

export const askerOf = ({ context }: Unit): DeploymentAsker => ({
  actor: context.actor,
  requestId: context.requestId,
  attemptId: context.idempotency?.attemptId ?? null,
});

// Named: planned once on each connection.
const COUNT = {
  name: 'deployments_count_1',
  text: `
    insert into deployment_counters (environment_id, last_deployment) values ($1, 1)
    on conflict (environment_id) do update set last_deployment = deployment_counters.last_deployment + 1
    returning last_deployment`,
};
const HOLD_ENVIRONMENT = {
  name: 'deployments_hold_environment_1',
  text: `
    select 1 from names where kind = 'environment' and scope = '' and name = $2 and entity_id = $1 for key share`,
};
const WISH = {
  name: 'deployments_wish_1',
  text: `
    with wish as (
      insert into deployments (environment_id, deployment, proxy_id, kind, revision, actor, description, requested_at,
        request_id, attempt_id)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    )
    insert into newest_deployments (environment_id, deployment, proxy_id, kind, revision) values ($1, $2, $3, $4, $5)
    on conflict (environment_id, proxy_id)
      do update set deployment = excluded.deployment, kind = excluded.kind, revision = excluded.revision`,
};

/** Numbers rise per environment; the row lock keeps them in the order in which the changes are recorded. */
async function nextDeployment(unit: Unit, environmentId: string): Promise<number> {
  const counted = await unit.transaction.query<{ last_deployment: string }>(COUNT, [environmentId]);
  return Number(counted.rows[0]?.last_deployment);
}

/**
 * Until the transaction ends nothing else is requested in these environments: no wish can come between what is read of
 * them and what is requested, which would undo it by a later number.
 */
export async function holdDeployments(unit: Unit, environmentIds: readonly string[]): Promise<void> {
  await unit.transaction.query(
    'select 1 from deployment_counters where environment_id = any($1) order by environment_id for update',
    [environmentIds],
  );
}

/** @throws DomainError CONFLICT when the environment was deleted meanwhile; until the transaction ends it cannot be. */
async function holdEnvironment(unit: Unit, { environmentId, environmentName }: DeploymentTarget): Promise<void> {
  const held = await unit.transaction.query(HOLD_ENVIRONMENT, [environmentId, environmentName]);
  if (held.rows.length === 0) throw conflict(`Environment (name: ${environmentName}) was deleted meanwhile`);
}

/** @throws DomainError ACCESS_DENIED when the asker may change but not deploy (contract part 4). */
export function requireDeployPermission(unit: Unit): void {
  if (unit.context.mayDeploy) return;
  throw new DomainError('ACCESS_DENIED', 'User does not have required permission to deploy/undeploy API Proxy');
}

/**
 * Writes the wish to deploy in the transaction of the change it belongs to: as an event, and as the row from which a
 * relay makes a job. Environments are taken in one order, so that two changes never wait for each other in a circle.
 *
 * @throws DomainError ACCESS_DENIED, CONFLICT when an environment was deleted meanwhile
 */
export async function requestDeployments(
  unit: Unit,
  targets: readonly DeploymentTarget[],
  wish: DeploymentWish,
  asker = askerOf(unit),
): Promise<RequestedDeployment[]> {
  if (targets.length > 0) requireDeployPermission(unit);
  const requested: RequestedDeployment[] = [];
  const inOrder = [...targets].sort((left, right) => (left.environmentId < right.environmentId ? -1 : 1));
  for (const target of inOrder) {
    const { environmentId } = target;
    // Here and below: sent together, carried out one after the other.
    const [, deployment] = await Promise.all([holdEnvironment(unit, target), nextDeployment(unit, environmentId)]);
    const event: DeploymentRequested = {
      type: 'DeploymentRequested',
      schemaVersion: 1,
      data: { environmentId, deployment, ...wish },
    };
    const { proxyId, kind, revision, description } = wish;
    await Promise.all([
      unit.append(environmentDeploymentsStream(environmentId), 'any', [event]),
      unit.transaction.query(WISH, [
        ...[environmentId, deployment, proxyId, kind, revision, asker.actor, description, unit.now],
        ...[asker.requestId, asker.attemptId],
      ]),
    ]);
    requested.push({ ...target, deployment, proxyId: wish.proxyId, revision: wish.revision });
  }
  return requested;
}

/** Environments where the proxy's newest deployment publishes it. */
export async function environmentsOf(unit: Unit, proxyId: string): Promise<DeploymentTarget[]> {
  const found = await unit.transaction.query<{ environment_id: string; name: string }>(
    `select newest.environment_id, names.name
     from newest_deployments newest
     join names on names.kind = 'environment' and names.entity_id = newest.environment_id
     where newest.proxy_id = $1 and newest.kind = 'publish' order by names.name`,
    [proxyId],
  );
  return found.rows.map((row) => ({ environmentId: row.environment_id, environmentName: row.name }));
}
