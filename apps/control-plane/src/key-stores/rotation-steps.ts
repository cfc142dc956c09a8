import { Inject, Injectable } from '@nestjs/common';
import { ownContext, UnitOfWork, type Unit } from '../persistence/unit-of-work.ts';
import { isUnderWay, type KeyRotation } from './domain/key-rotation.ts';
import {
  keyStoreDecider,
  keyStoreStream,
  requireKeyStore,
  type ActiveKeyStore,
  type KeyStoreCommand,
} from './domain/key-store.decider.ts';
import { dueStep, waitsForGateways, type RotationStep } from './domain/rotation-steps.ts';
import type { KeyPlace } from './domain/key-store.events.ts';
import { environmentsOf, environmentsUsing } from './key-change.ts';
import { KeyStoreChanges } from './key-store-changes.ts';
import { KEY_STORE_USERS, type KeyStoreDeployment, type KeyStoreUsers } from './key-store-users.port.ts';

interface DueStep {
  readonly rotation: KeyRotation;
  readonly step: RotationStep;
}

/** When the first of the keys that sign for some places was made: it signed nothing before. ISO 8601. */
function oldestKeyMadeAt({ slots }: ActiveKeyStore, places: readonly KeyPlace[]): string {
  const concerned = slots.filter(({ environmentId }) => places.includes(environmentId));
  const moments = concerned.map(({ current }) => current.createdAt).sort();
  return moments[0] ?? '';
}

/** The steps of rotations, each in one transaction that holds the store: two processes never take the same one. */
@Injectable()
export class RotationSteps {
  constructor(
    private readonly units: UnitOfWork,
    private readonly changes: KeyStoreChanges,
    @Inject(KEY_STORE_USERS) private readonly users: KeyStoreUsers,
  ) {}

  /** Without a lock: whether it looks as if a step were to be taken. */
  isDue(keyStoreId: string): Promise<boolean> {
    return this.units.read(async (unit) => {
      const state = await unit.peek(keyStoreDecider, keyStoreStream(keyStoreId));
      return state.status === 'active' && (await this.due(unit, state)) !== undefined;
    });
  }

  /**
   * Takes one step that is due, if there is any by now.
   *
   * @returns what was taken; undefined as well while somebody else changes the store
   * @throws DomainError when the step cannot be taken as things are; nothing is recorded then.
   */
  take(keyStoreId: string): Promise<RotationStep | undefined> {
    return this.units.run(ownContext(`key-rotation-${keyStoreId}`), async (unit) => {
      const locked = await unit.transaction.query(
        `select 1 from names where kind = 'key-store' and entity_id = $1 for update skip locked`,
        [keyStoreId],
      );
      if (locked.rowCount === 0) return undefined;
      const store = requireKeyStore((await unit.load(keyStoreDecider, keyStoreStream(keyStoreId))).state);
      const due = await this.due(unit, store);
      if (due === undefined) return undefined;
      await this.changes.apply(unit, store, await this.commandFor(unit, store, { ...due, isForced: false }));
      return due.step;
    });
  }

  /** The command that takes a step. The store is held by the caller. */
  async commandFor(
    unit: Unit,
    store: ActiveKeyStore,
    { rotation, step, isForced }: DueStep & { readonly isForced: boolean },
  ): Promise<KeyStoreCommand> {
    const { rotationId, places } = rotation;
    const longestTokenLifeMs = step === 'switch' ? await this.longestTokenLifeMs(unit, store, places) : null;
    return { type: 'TakeRotationStep', rotationId, step, longestTokenLifeMs, isForced, at: unit.now };
  }

  /** Of tokens that the keys of these places may have signed until now; null: they never expire. */
  longestTokenLifeMs(unit: Unit, store: ActiveKeyStore, places: readonly KeyPlace[]): Promise<number | null> {
    const where = { isMeant: environmentsUsing(store, places), since: oldestKeyMadeAt(store, places) };
    return this.users.longestTokenLifeMs(unit, store, where);
  }

  /** What a rotation waits for; nothing while it does not wait for gateways. */
  async deployments(unit: Unit, store: ActiveKeyStore, rotation: KeyRotation): Promise<KeyStoreDeployment[]> {
    if (!waitsForGateways(rotation)) return [];
    return this.users.deployments(unit, store, environmentsOf(store, rotation));
  }

  private async due(unit: Unit, store: ActiveKeyStore): Promise<DueStep | undefined> {
    const now = new Date().toISOString();
    for (const rotation of store.rotations.filter(isUnderWay)) {
      const step = dueStep(rotation, await this.isAcknowledged(unit, store, rotation), now);
      if (step !== undefined) return { rotation, step };
    }
    return undefined;
  }

  /** Every live gateway has applied whatever newest deployment there is of each proxy that uses the keys. */
  private async isAcknowledged(unit: Unit, store: ActiveKeyStore, rotation: KeyRotation): Promise<boolean> {
    if (rotation.paused || !waitsForGateways(rotation)) return false;
    return (await this.deployments(unit, store, rotation)).every(({ state }) => state === 'succeeded');
  }
}
