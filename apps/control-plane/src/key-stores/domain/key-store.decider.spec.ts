import { fold } from '../../decider/decider.ts';
import { given } from '../../decider/testing/given.ts';
import { keyStoreCreated, placed, storedKey, storedSecret } from '../testing/sample-key-store.ts';
import { keyStoreDecider, requireKeyStore, secretsIn, slotFor, type KeyStoreCommand } from './key-store.decider.ts';
import type { KeyStoreEvent, PlacedKey } from './key-store.events.ts';

const SHARED = keyStoreCreated(placed([null, storedKey('a')]));
const rotated = (keys: readonly PlacedKey[], retirePrevious = false): KeyStoreEvent => ({
  ...{ type: 'KeyRotated', schemaVersion: 1, data: { keyStoreId: 'k-1', keys, retirePrevious } },
});
const rotate = (...keys: readonly PlacedKey[]): KeyStoreCommand => ({
  ...{ type: 'RotateKeys', keys, retirePrevious: false },
});
const after = (...events: readonly KeyStoreEvent[]) => requireKeyStore(fold(keyStoreDecider, events));
/** `place: current (previous…)` */
const shown = (...events: readonly KeyStoreEvent[]) =>
  after(...events).slots.map(
    ({ environmentId, current, previous }) =>
      `${environmentId}: ${current.keyId} (${previous.map(({ keyId }) => keyId).join(' ')})`,
  );

describe('a key store', () => {
  it('is created, updated, rotated and deleted by events of those names', () => {
    const keys = placed([null, storedKey('b')]);
    given(keyStoreDecider, [SHARED])
      .when(rotate(...keys))
      .then([rotated(keys)]);
    const update = { description: 'new', keys, removed: [] };
    given(keyStoreDecider, [SHARED])
      .when({ type: 'UpdateKeyStore', ...update })
      .then([{ type: 'KeyStoreUpdated', schemaVersion: 1, data: { keyStoreId: 'k-1', ...update } }]);
    const deleted: KeyStoreEvent = { type: 'KeyStoreDeleted', schemaVersion: 1, data: { keyStoreId: 'k-1' } };
    given(keyStoreDecider, [SHARED]).when({ type: 'DeleteKeyStore' }).then([deleted]);
    given(keyStoreDecider, [SHARED, deleted]).when({ type: 'DeleteKeyStore' }).thenRefuses('NOT_FOUND');
    expect(secretsIn(fold(keyStoreDecider, [SHARED, deleted]))).toEqual([]);
  });

  it('has for an environment its own key, else the shared one, else none', () => {
    const store = after(keyStoreCreated(placed([null, storedKey('shared')], ['e-1', storedKey('own')])));
    expect(slotFor(store, 'e-1')?.current.keyId).toBe('own');
    expect(slotFor(store, 'e-2')?.current.keyId).toBe('shared');
    expect(slotFor(after(keyStoreCreated(placed(['e-1', storedKey('own')]))), 'e-2')).toBeUndefined();
  });

  it('keeps the last two keys of rotations for verification, newest first', () => {
    const rotations = ['b', 'c', 'd'].map((keyId) => rotated(placed([null, storedKey(keyId)])));
    expect(shown(SHARED, ...rotations)).toEqual(['null: d (c b)']);
  });

  it('forgets them when a rotation retires them', () => {
    const events = [rotated(placed([null, storedKey('b')])), rotated(placed([null, storedKey('c')]), true)];
    expect(shown(SHARED, ...events)).toEqual(['null: c ()']);
  });

  it('gives up what is private of a key that no longer signs, but not a secret that still verifies', () => {
    expect(secretsIn(after(SHARED, rotated(placed([null, storedKey('b')]))))).toEqual(['s-b']);
    const secret = keyStoreCreated(placed([null, storedSecret('a')]));
    expect(secretsIn(after(secret, rotated(placed([null, storedSecret('b')]))))).toEqual(['s-b', 's-a']);
  });

  it('rotates each environment by itself', () => {
    const two = keyStoreCreated(placed(['e-1', storedKey('a')], ['e-2', storedKey('b')]));
    expect(shown(two, rotated(placed(['e-2', storedKey('c')])))).toEqual(['e-1: a ()', 'e-2: c (b)']);
  });

  it('loses what an update replaces or removes, and nothing else', () => {
    const three = keyStoreCreated(placed(['e-1', storedKey('a')], ['e-2', storedKey('b')], ['e-3', storedKey('c')]));
    const data = { keyStoreId: 'k-1', description: '', keys: placed(['e-2', storedKey('d')]), removed: ['e-3'] };
    const updated: KeyStoreEvent = { type: 'KeyStoreUpdated', schemaVersion: 1, data };
    expect(shown(three, rotated(placed(['e-2', storedKey('x')])), updated)).toEqual(['e-1: a ()', 'e-2: d ()']);
  });

  it('takes no key under the id of one that is there, signing or verifying', () => {
    const history = [SHARED, rotated(placed([null, storedKey('b')]))];
    for (const keyId of ['a', 'b']) {
      const command = rotate(...placed([null, storedKey(keyId)]));
      given(keyStoreDecider, history).when(command).thenRefuses('VALIDATION_FAILED', 'kid');
    }
    const elsewhere = rotate(...placed(['e-1', storedKey('c')]));
    given(keyStoreDecider, history).when(elsewhere).thenRefuses('NOT_FOUND');
  });
});
