import type { KeyRotation } from './key-rotation.ts';
import { dueStep, nextLookAt, stepToNextStage, type RotationStep } from './rotation-steps.ts';

const SINCE = '2031-02-03T04:05:06.000Z';
const THEN = '2031-02-03T04:10:06.000Z';
const JUST_BEFORE = '2031-02-03T04:10:05.999Z';
const publishing: KeyRotation = {
  ...{ rotationId: 'r-1', places: [null], stage: 'publishing', since: SINCE, startedAt: SINCE, publishForSeconds: 300 },
  ...{
    signsAt: null,
    switchedAt: null,
    acknowledgedAt: null,
    retiresAt: null,
    longestTokenLifeMs: null,
    paused: false,
  },
};
const waiting: KeyRotation = { ...publishing, stage: 'waiting', signsAt: THEN };
const switched: KeyRotation = { ...waiting, stage: 'retiring', switchedAt: SINCE, longestTokenLifeMs: 1 };
const retiring: KeyRotation = { ...switched, acknowledgedAt: SINCE, retiresAt: THEN };
const forever: KeyRotation = { ...retiring, longestTokenLifeMs: null, retiresAt: null };

describe('the step that is due', () => {
  it.each<[string, KeyRotation, boolean, string, RotationStep | undefined]>([
    ['publishing: when all have answered', publishing, true, SINCE, 'publish'],
    ['publishing: not before', publishing, false, THEN, undefined],
    ['waiting: at its moment, whoever has answered', waiting, false, THEN, 'switch'],
    ['waiting: not a millisecond before', waiting, true, JUST_BEFORE, undefined],
    ['retiring: when all sign with the new key', switched, true, SINCE, 'acknowledge'],
    ['retiring: not before, however late it is', switched, false, THEN, undefined],
    ['retiring: at its moment', retiring, false, THEN, 'finish'],
    ['retiring: not a millisecond before', retiring, true, JUST_BEFORE, undefined],
    ['retiring: never, when tokens never expire', forever, true, '2999-01-01T00:00:00.000Z', undefined],
    ['paused: none', { ...waiting, paused: true }, true, THEN, undefined],
    ['paused while publishing: none', { ...publishing, paused: true }, true, THEN, undefined],
    ['over: none', { ...retiring, stage: 'finished' }, true, THEN, undefined],
    ['replaced while it was to be acknowledged: none', { ...switched, stage: 'replaced' }, true, THEN, undefined],
  ])('%s', (_what, rotation, isAcknowledged, now, step) => {
    expect(dueStep(rotation, isAcknowledged, now)).toBe(step);
  });
});

describe('the next look', () => {
  it.each<[string, KeyRotation, string | null]>([
    ['is always due while gateways are waited for', publishing, SINCE],
    ['is when the new key signs', waiting, THEN],
    ['is always due until the switch is acknowledged', switched, SINCE],
    ['is when the old key goes', retiring, THEN],
    ['is never where tokens never expire', forever, null],
    ['is never while it is paused', { ...publishing, paused: true }, null],
    ['is never when it is over', { ...retiring, stage: 'finished' }, null],
  ])('%s', (_what, rotation, at) => {
    expect(nextLookAt(rotation)).toBe(at);
  });
});

it('force knows a step for each stage under way', () => {
  const stages = ['publishing', 'waiting', 'retiring', 'finished', 'cancelled', 'replaced'] as const;
  expect(stages.map((stage) => stepToNextStage({ ...retiring, stage }))).toEqual([
    ...['publish', 'switch', 'finish', undefined, undefined, undefined],
  ]);
});
