import { notFound } from '../decider/domain-error.ts';
import { deploymentTargets } from '../deployment-requests/deployment-targets.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import { keyStoreDecider, keyStoreStream, requireKeyStore, type ActiveKeyStore } from './domain/key-store.decider.ts';
import type { KeyPlace } from './domain/key-store.events.ts';

/** @throws DomainError NOT_FOUND */
export async function resolveKeyStore(unit: Unit, projectId: string, name: string): Promise<ActiveKeyStore> {
  const keyStoreId = await unit.names.resolve('key-store', projectId, name);
  return requireKeyStore((await unit.load(keyStoreDecider, keyStoreStream(keyStoreId))).state);
}

/**
 * The same for whoever changes the store's keys: waits for changes of proxies that are looking at it (they hold its
 * name), and keeps others from it until this change is recorded.
 *
 * @throws DomainError NOT_FOUND
 */
export async function lockKeyStore(unit: Unit, projectId: string, name: string): Promise<ActiveKeyStore> {
  const locked = await unit.transaction.query(
    `select 1 from names where kind = 'key-store' and scope = $1 and name = $2 for update`,
    [projectId, name],
  );
  if (locked.rowCount === 0) throw notFound(`JWK (name: ${name})`);
  return resolveKeyStore(unit, projectId, name);
}

/**
 * The places that a list of names means: none named is the place that all environments share. The environments stay
 * there until the change is recorded.
 *
 * @throws DomainError VALIDATION_FAILED naming every unknown environment
 */
export async function placesOf(unit: Unit, environmentNames: readonly string[]): Promise<KeyPlace[]> {
  if (environmentNames.length === 0) return [null];
  await deploymentTargets(unit, { deploy: false, environmentNames, field: 'environmentNameList' }, '');
  const places: KeyPlace[] = [];
  for (const name of environmentNames) places.push(await unit.names.hold('environment', '', name));
  return places;
}

/** Environments' names by id. */
export async function environmentNamesIn(unit: Unit): Promise<ReadonlyMap<string, string>> {
  return new Map([...(await unit.names.all('environment', ''))].map(([name, id]) => [id, name]));
}
