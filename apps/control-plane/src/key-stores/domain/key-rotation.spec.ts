import { fold } from '../../decider/decider.ts';
import { given } from '../../decider/testing/given.ts';
import { keyStoreCreated, placed, storedKey, storedSecret } from '../testing/sample-key-store.ts';
import { MOST_ROTATIONS_UNDER_WAY } from './key-rotation.ts';
import { keyStoreDecider, requireKeyStore, secretsIn, type KeyStoreCommand } from './key-store.decider.ts';
import type { KeyStoreEvent, PlacedKey } from './key-store.events.ts';
import type { RotationStep } from './rotation-steps.ts';

const at = (second: number) => new Date(Date.UTC(2031, 1, 3, 4, 5, second)).toISOString();
const named = (rotationId: string, second: number) => ({ keyStoreId: 'k-1', rotationId, at: at(second) });
const CREATED = keyStoreCreated(placed([null, storedKey('a')]));
const started = (keys: readonly PlacedKey[], rotationId = 'r-1'): KeyStoreEvent => ({
  type: 'KeyRotationStarted',
  schemaVersion: 1,
  data: { ...named(rotationId, 1), keys, publishForSeconds: 300 },
});
const STARTED = started(placed([null, storedKey('b')]));
const published = (rotationId = 'r-1'): KeyStoreEvent => ({
  ...{ type: 'KeyRotationPublished', schemaVersion: 1, data: { ...named(rotationId, 2), signsAt: at(302) } },
});
const switched = (longestTokenLifeMs: number | null, rotationId = 'r-1'): KeyStoreEvent => ({
  ...{ type: 'KeyRotationSwitched', schemaVersion: 1, data: { ...named(rotationId, 3), longestTokenLifeMs } },
});
const finished = (rotationId = 'r-1'): KeyStoreEvent => ({
  ...{ type: 'KeyRotationFinished', schemaVersion: 1, data: named(rotationId, 5) },
});
const start = (keyId: string): KeyStoreCommand => ({
  ...{
    type: 'StartRotation',
    rotationId: 'r-2',
    keys: placed([null, storedKey(keyId)]),
    publishForSeconds: 0,
    at: at(9),
  },
});
const take = (step: RotationStep, members: object = {}): KeyStoreCommand => ({
  ...{ type: 'TakeRotationStep', rotationId: 'r-1', step, longestTokenLifeMs: null, isForced: false, at: at(2) },
  ...members,
});
const after = (...events: readonly KeyStoreEvent[]) => requireKeyStore(fold(keyStoreDecider, events));
/** `place: current > next (previous…)` */
const shown = (...events: readonly KeyStoreEvent[]) =>
  after(...events).slots.map(
    ({ environmentId, current, next, previous }) =>
      `${environmentId}: ${current.keyId} > ${next?.keyId ?? '-'} (${previous.map(({ keyId }) => keyId).join(' ')})`,
  );
const stages = (...events: readonly KeyStoreEvent[]) => after(...events).rotations.map(({ stage }) => stage);

describe('a rotation in stages', () => {
  it('signs with the old key until it switches, and verifies with both until it is finished', () => {
    expect(shown(CREATED, STARTED)).toEqual(['null: a > b ()']);
    expect(shown(CREATED, STARTED, published())).toEqual(['null: a > b ()']);
    expect(shown(CREATED, STARTED, published(), switched(0))).toEqual(['null: b > - (a)']);
    expect(shown(CREATED, STARTED, published(), switched(0), finished())).toEqual(['null: b > - ()']);
  });

  it('counts its moments from the events before: published for so long, the longest token and a minute', () => {
    given(keyStoreDecider, [CREATED, STARTED]).when(take('publish')).then([published()]);
    given(keyStoreDecider, [CREATED, STARTED, published(), switched(5_000)])
      .when(take('acknowledge', { at: at(4) }))
      .then([
        { type: 'KeyRotationAcknowledged', schemaVersion: 1, data: { ...named('r-1', 4), retiresAt: at(4 + 5 + 60) } },
      ]);
    given(keyStoreDecider, [CREATED, STARTED, published(), switched(null)])
      .when(take('acknowledge', { at: at(4) }))
      .then([{ type: 'KeyRotationAcknowledged', schemaVersion: 1, data: { ...named('r-1', 4), retiresAt: null } }]);
  });

  it('takes no step twice, none before its turn and none of another rotation', () => {
    const waiting = given(keyStoreDecider, [CREATED, STARTED, published()]);
    for (const step of ['publish', 'acknowledge', 'finish'] as const) waiting.when(take(step)).thenRefuses('CONFLICT');
    waiting.when(take('switch', { rotationId: 'r-0' })).thenRefuses('CONFLICT');
    given(keyStoreDecider, [CREATED, STARTED, published(), switched(0), finished()])
      .when(take('finish'))
      .thenRefuses('CONFLICT');
  });

  it('says that it was forced, and where', () => {
    given(keyStoreDecider, [CREATED, STARTED])
      .when(take('publish', { isForced: true }))
      .then([
        { type: 'KeyRotationForced', schemaVersion: 1, data: { ...named('r-1', 2), stage: 'publishing' } },
        published(),
      ]);
  });

  it('comes alone before its switch, and takes no kid that is there', () => {
    given(keyStoreDecider, [CREATED, STARTED]).when(start('c')).thenRefuses('CONFLICT');
    given(keyStoreDecider, [CREATED, STARTED, published()]).when(start('c')).thenRefuses('CONFLICT');
    const retiring = [CREATED, STARTED, published(), switched(0)];
    for (const keyId of ['a', 'b']) {
      given(keyStoreDecider, retiring).when(start(keyId)).thenRefuses('VALIDATION_FAILED', 'kid');
    }
    expect(stages(...retiring, started(placed([null, storedKey('c')]), 'r-2'))).toEqual(['retiring', 'publishing']);
  });

  it('removes its own old keys and those of no other, however many there are', () => {
    const rounds = (count: number) =>
      Array.from({ length: count }, (_, index) => {
        const id = `r-${index + 1}`;
        return [started(placed([null, storedKey(`n${index + 1}`)]), id), published(id), switched(0, id)];
      }).flat();
    expect(shown(CREATED, ...rounds(4))).toEqual(['null: n4 > - (n3 n2 n1 a)']);
    expect(shown(CREATED, ...rounds(4), finished('r-2'))).toEqual(['null: n4 > - (n3 n2 a)']);
    const most = given(keyStoreDecider, [CREATED, ...rounds(MOST_ROTATIONS_UNDER_WAY)]);
    most.when(start('c')).thenRefuses('CONFLICT');
  });

  it('is cancelled before its switch only, without a trace of its key', () => {
    const data = named('r-1', 9);
    const cancelled: KeyStoreEvent = { type: 'KeyRotationCancelled', schemaVersion: 1, data };
    const cancel: KeyStoreCommand = { type: 'CancelRotation', at: at(9) };
    given(keyStoreDecider, [CREATED, STARTED, published()]).when(cancel).then([cancelled]);
    expect(shown(CREATED, STARTED, cancelled)).toEqual(['null: a > - ()']);
    expect(secretsIn(after(CREATED, STARTED, cancelled))).toEqual(['s-a']);
    given(keyStoreDecider, [CREATED, STARTED, published(), switched(0)])
      .when(cancel)
      .thenRefuses('CONFLICT');
    given(keyStoreDecider, [CREATED, STARTED, cancelled]).when(cancel).thenRefuses('CONFLICT');
  });

  it('keeps of an old pair the public half, and of a secret all until it goes', () => {
    expect(secretsIn(after(CREATED, STARTED))).toEqual(['s-a', 's-b']);
    expect(secretsIn(after(CREATED, STARTED, published(), switched(0)))).toEqual(['s-b']);
    const secret = [keyStoreCreated(placed([null, storedSecret('a')])), started(placed([null, storedSecret('b')]))];
    expect(secretsIn(after(...secret, published(), switched(0)))).toEqual(['s-b', 's-a']);
    expect(secretsIn(after(...secret, published(), switched(0), finished()))).toEqual(['s-b']);
  });

  it('is over where other keys come to its places, and goes on in the others', () => {
    const two = keyStoreCreated(placed(['e-1', storedKey('a')], ['e-2', storedKey('b')]));
    const both = started(placed(['e-1', storedKey('c')], ['e-2', storedKey('d')]));
    const removed = (place: string): KeyStoreEvent => ({
      type: 'KeyStoreUpdated',
      schemaVersion: 1,
      data: { keyStoreId: 'k-1', description: '', keys: [], removed: [place] },
    });
    expect(after(two, both, removed('e-1')).rotations).toMatchObject([{ stage: 'publishing', places: ['e-2'] }]);
    expect(stages(two, both, removed('e-1'), removed('e-2'))).toEqual(['replaced']);
    const data = { keyStoreId: 'k-1', keys: placed([null, storedKey('z')]), retirePrevious: true };
    const atOnce: KeyStoreEvent = { type: 'KeyRotated', schemaVersion: 1, data };
    expect(shown(CREATED, STARTED, atOnce)).toEqual(['null: z > - ()']);
    expect(stages(CREATED, STARTED, atOnce)).toEqual(['replaced']);
  });

  it('leaves keys of rotations without stages as they are: two, with no time to go', () => {
    const rotated = (keyId: string): KeyStoreEvent => ({
      type: 'KeyRotated',
      schemaVersion: 1,
      data: { keyStoreId: 'k-1', keys: placed([null, storedKey(keyId)]), retirePrevious: false },
    });
    const old = [CREATED, rotated('b'), rotated('c'), rotated('d')];
    expect(shown(...old)).toEqual(['null: d > - (c b)']);
    expect(after(...old).rotations).toEqual([]);
    expect(shown(...old, started(placed([null, storedKey('e')])), published(), switched(0))).toEqual([
      'null: e > - (d c)',
    ]);
  });
});
