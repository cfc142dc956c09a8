import type { RecordedEvent } from '#libs/event-store';
import { rowProjection, whenThere, withoutRow } from '../../persistence/row-projection.ts';
import type { EnvironmentCreated, EnvironmentDeleted } from '../domain/environment.decider.ts';
import { withDenial, withFlush, withoutDenial, type KeySetEvent } from '../domain/key-set-orders.ts';

/** Who ordered it, when (ISO 8601) and why. */
export interface OrderFacts {
  readonly at: string;
  readonly actor: string;
  readonly reason: string | null;
}
/** `uri` null: every set. */
export type FlushRow = { readonly uri: string | null } & OrderFacts;
export type DenialRow = { readonly uri: string; readonly kid: string } & OrderFacts;

interface OrdersRow {
  readonly environment_id: string;
  readonly flushes: readonly FlushRow[];
  readonly denied: readonly DenialRow[];
}

type Told = EnvironmentCreated | EnvironmentDeleted | KeySetEvent;

const factsOf = ({ recordedAt, metadata }: RecordedEvent<Told>): OrderFacts => ({
  ...{ at: recordedAt, actor: metadata.actor, reason: metadata.reason ?? null },
});

/** What an environment's gateways are to obey about key sets, by whose order. */
export const keySetOrdersProjection = rowProjection<OrdersRow, Told>({
  ...{ name: 'key-set-orders', table: 'read_key_set_orders', key: 'environment_id' },
  columns: { environment_id: 'text', flushes: 'jsonb', denied: 'jsonb' },
  keyOf: ({ data }) => data.environmentId,
  evolve: {
    EnvironmentCreated: (_, { data }) => ({ environment_id: data.environmentId, flushes: [], denied: [] }),
    KeySetsFlushed: whenThere((row, event) => ({
      ...row,
      flushes: withFlush(row.flushes, { uri: event.data.uri, ...factsOf(event) }),
    })),
    KeyIdDenied: whenThere((row, event) => {
      const { uri, kid } = event.data;
      return { ...row, denied: withDenial(row.denied, { uri, kid, ...factsOf(event) }) };
    }),
    KeyIdAllowed: whenThere((row, { data }) => ({ ...row, denied: withoutDenial(row.denied, data) })),
    EnvironmentDeleted: withoutRow,
  },
});
