import type { DomainEvent } from '#libs/event-store';
import { unreachable, type Decider } from '../../decider/decider.ts';
import { notFound } from '../../decider/domain-error.ts';
import type { SecretReference } from '../../decider/secret-reference.ts';

/** A value that may be read back is in the event; one that may not is a reference. */
export type VariableValue =
  { readonly kind: 'readable'; readonly value: string } | ({ readonly kind: 'secret' } & SecretReference);

export interface VariableContent {
  readonly description: string;
  /** The value everywhere; null: each environment has its own. */
  readonly globalValue: VariableValue | null;
  /** By environment id. */
  readonly values: Readonly<Record<string, VariableValue>>;
}

export type VariableCreated = DomainEvent<
  'VariableCreated',
  { variableId: string; projectId: string; name: string } & VariableContent
>;
export type VariableUpdated = DomainEvent<'VariableUpdated', { variableId: string } & VariableContent>;
export type VariableDeleted = DomainEvent<'VariableDeleted', { variableId: string }>;
export type VariableEvent = VariableCreated | VariableUpdated | VariableDeleted;

export interface ActiveVariable extends VariableContent {
  readonly status: 'active';
  readonly variableId: string;
  readonly projectId: string;
  readonly name: string;
}
export type VariableState = { readonly status: 'absent' } | ActiveVariable;

export type VariableCommand =
  | ({ readonly type: 'CreateVariable' } & VariableCreated['data'])
  | ({ readonly type: 'UpdateVariable' } & VariableContent)
  | { readonly type: 'DeleteVariable' };

export const variableStream = (variableId: string): string => `variable-${variableId}`;

/** @throws DomainError NOT_FOUND */
export function requireVariable(state: VariableState): ActiveVariable {
  if (state.status === 'absent') throw notFound('Environment variable');
  return state;
}

/** The value in an environment; undefined where it has none. */
export const variableValueIn = (variable: VariableContent, environmentId: string): VariableValue | undefined =>
  variable.globalValue ?? variable.values[environmentId];

/** By fingerprint: the same secret put again lies under another id. */
function isSameValue(one: VariableValue | undefined, other: VariableValue | undefined): boolean {
  if (one?.kind === 'readable') return other?.kind === 'readable' && one.value === other.value;
  if (one?.kind === 'secret') return other?.kind === 'secret' && one.fingerprint === other.fingerprint;
  return other === undefined;
}

/** Whether an environment has another value now; undefined: there is no such variable. */
export const isChangedIn = (
  environmentId: string,
  before: VariableContent | undefined,
  after: VariableContent | undefined,
): boolean =>
  !isSameValue(before && variableValueIn(before, environmentId), after && variableValueIn(after, environmentId));

export const variableDecider: Decider<VariableState, VariableCommand, VariableEvent> = {
  initialState: { status: 'absent' },
  snapshotShape: 'variable@1',
  evolve(state, event) {
    if (event.type === 'VariableCreated') return { status: 'active', ...event.data };
    if (state.status === 'absent') return state;
    switch (event.type) {
      case 'VariableUpdated':
        return { ...state, ...event.data };
      case 'VariableDeleted':
        return { status: 'absent' };
      default:
        return unreachable(event);
    }
  },
  decide(command, state) {
    switch (command.type) {
      case 'CreateVariable': {
        const { type: _type, ...data } = command;
        return [{ type: 'VariableCreated', schemaVersion: 1, data }];
      }
      case 'UpdateVariable': {
        const { type: _type, ...content } = command;
        const { variableId } = requireVariable(state);
        return [{ type: 'VariableUpdated', schemaVersion: 1, data: { variableId, ...content } }];
      }
      case 'DeleteVariable': {
        const { variableId } = requireVariable(state);
        return [{ type: 'VariableDeleted', schemaVersion: 1, data: { variableId } }];
      }
      default:
        return unreachable(command);
    }
  },
};
