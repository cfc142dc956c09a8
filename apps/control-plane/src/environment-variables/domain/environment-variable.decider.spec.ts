import { fold } from '../../decider/decider.ts';
import { given } from '../../decider/testing/given.ts';
import {
  requireVariable,
  variableDecider,
  variableValueIn,
  type VariableContent,
  type VariableEvent,
} from './environment-variable.decider.ts';

const PER_ENVIRONMENT: VariableContent = {
  description: '',
  globalValue: null,
  values: { 'e-1': { kind: 'readable', value: 'one' }, 'e-2': { kind: 'secret', secretId: 's', fingerprint: 'f' } },
};
const EVERYWHERE: VariableContent = { description: '', globalValue: { kind: 'readable', value: 'same' }, values: {} };
const IDENTITY = { variableId: 'v-1', projectId: 'j-1', name: 'private.key' };

const created: VariableEvent = { type: 'VariableCreated', schemaVersion: 1, data: { ...IDENTITY, ...PER_ENVIRONMENT } };
const updated: VariableEvent = {
  type: 'VariableUpdated',
  schemaVersion: 1,
  data: { variableId: 'v-1', ...EVERYWHERE },
};
const deleted: VariableEvent = { type: 'VariableDeleted', schemaVersion: 1, data: { variableId: 'v-1' } };

describe('an environment variable', () => {
  it('is created', () => {
    given(variableDecider, [])
      .when({ type: 'CreateVariable', ...IDENTITY, ...PER_ENVIRONMENT })
      .then([created]);
  });

  it('is replaced whole', () => {
    given(variableDecider, [created])
      .when({ type: 'UpdateVariable', ...EVERYWHERE })
      .then([updated]);
    const state = requireVariable(fold(variableDecider, [created, updated]));
    expect(state).toEqual({ status: 'active', ...IDENTITY, ...EVERYWHERE });
  });

  it('is deleted once, and then there is nothing left to change', () => {
    given(variableDecider, [created]).when({ type: 'DeleteVariable' }).then([deleted]);
    const gone = given(variableDecider, [created, deleted, updated]);
    gone.when({ type: 'DeleteVariable' }).thenRefuses('NOT_FOUND');
    gone.when({ type: 'UpdateVariable', ...EVERYWHERE }).thenRefuses('NOT_FOUND');
  });

  it("has each environment's own value, or one for all, or none", () => {
    expect(variableValueIn(PER_ENVIRONMENT, 'e-1')).toEqual({ kind: 'readable', value: 'one' });
    expect(variableValueIn(PER_ENVIRONMENT, 'e-3')).toBeUndefined();
    expect(variableValueIn(EVERYWHERE, 'e-3')).toEqual({ kind: 'readable', value: 'same' });
  });
});
