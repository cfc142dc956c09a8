import { Injectable } from '@nestjs/common';
import type { Unit } from '../persistence/unit-of-work.ts';
import { keyStoreDecider, keyStoreStream, requireKeyStore } from './domain/key-store.decider.ts';
import type { EnvironmentKeys } from './environment-keys.port.ts';
import { KeyStoreChanges } from './key-store-changes.ts';

/** Nothing is deployed to the environment any more, so nobody is asked: what is left signs for nobody. */
@Injectable()
export class StoredEnvironmentKeys implements EnvironmentKeys {
  constructor(private readonly changes: KeyStoreChanges) {}

  async forget(unit: Unit, environmentId: string): Promise<void> {
    const found = await unit.transaction.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'key-store' order by scope, name`,
    );
    for (const { entity_id: keyStoreId } of found.rows) {
      const streamId = keyStoreStream(keyStoreId);
      const { state } = await unit.load(keyStoreDecider, streamId);
      if (state.status === 'absent' || !state.slots.some((slot) => slot.environmentId === environmentId)) continue;
      const { description } = state;
      const command = { type: 'UpdateKeyStore', description, keys: [], removed: [environmentId] } as const;
      const after = requireKeyStore(await unit.change(keyStoreDecider, streamId, command));
      await this.changes.settle(unit, { before: state, after }, undefined);
    }
  }
}
