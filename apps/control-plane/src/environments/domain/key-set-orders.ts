import type { DomainEvent } from '#libs/event-store';
import type { KeySetOrders } from '#libs/policy-contracts';
import { unreachable } from '../../decider/decider.ts';
import { conflict, notFound } from '../../decider/domain-error.ts';

/** All of an environment's orders are one record, which each of its gateways keeps in memory. */
const FLUSHED_SETS_MAX = 100;
const DENIED_KEYS_MAX = 1_000;

interface Flush {
  /** null: every set. */
  readonly uri: string | null;
}

/** A key by the address of its set and its key id (RFC 7517 4.5). */
export interface SetKey {
  readonly uri: string;
  readonly kid: string;
}

/** What gateways fetched of a set, null of every one, before this flush is not used any more. */
export type KeySetsFlushed = DomainEvent<
  'KeySetsFlushed',
  { environmentId: string; uri: string | null; number: number }
>;
/** No gateway takes this key any more, whatever its set says. */
export type KeyIdDenied = DomainEvent<'KeyIdDenied', { environmentId: string; uri: string; kid: string }>;
export type KeyIdAllowed = DomainEvent<'KeyIdAllowed', { environmentId: string; uri: string; kid: string }>;
export type KeySetEvent = KeySetsFlushed | KeyIdDenied | KeyIdAllowed;

export type KeySetCommand =
  /** `now`: ISO 8601. */
  | { readonly type: 'FlushKeySets'; readonly uri: string | null; readonly now: string }
  | ({ readonly type: 'DenyKeyId' } & SetKey)
  | ({ readonly type: 'AllowKeyId' } & SetKey);

const isSameKey = (one: SetKey, other: SetKey): boolean => one.uri === other.uri && one.kid === other.kid;

/** The last flush of each set: one of every set stands for all that came before it. */
export const withFlush = <One extends Flush>(flushes: readonly One[], flush: One): One[] =>
  flush.uri === null ? [flush] : [...flushes.filter(({ uri }) => uri !== flush.uri), flush];

export const withDenial = <One extends SetKey>(denied: readonly One[], key: One): One[] => [
  ...withoutDenial(denied, key),
  key,
];

export const withoutDenial = <One extends SetKey>(denied: readonly One[], key: SetKey): One[] =>
  denied.filter((one) => !isSameKey(one, key));

const isDenied = ({ denied }: KeySetOrders, key: SetKey): boolean => denied.some((one) => isSameKey(one, key));

/**
 * The number of the next flush. It rises even when PostgreSQL came back from an older backup, which does not know the last
 * ones that gateways have obeyed: whoever fetched a set under a higher number would keep it.
 *
 * @param now ISO 8601
 */
const nextFlush = ({ flushes }: KeySetOrders, now: string): number =>
  Math.max(Date.parse(now), ...flushes.map(({ number }) => number + 1));

/** @throws DomainError CONFLICT when too many sets were flushed one by one */
function requireRoomToFlush({ flushes }: KeySetOrders, uri: string | null): void {
  const others = flushes.filter((one) => one.uri !== null && one.uri !== uri);
  if (uri === null || others.length < FLUSHED_SETS_MAX) return;
  throw conflict(
    `the last flushes of ${FLUSHED_SETS_MAX} key sets are kept and no more: flush every set, without uri, which stands for them`,
  );
}

/** @throws DomainError CONFLICT when too many keys are denied */
function requireRoomToDeny({ denied }: KeySetOrders): void {
  if (denied.length < DENIED_KEYS_MAX) return;
  throw conflict(
    `${DENIED_KEYS_MAX} keys are denied and no more can be: lift those that their sets do not hold any more`,
  );
}

/** @throws DomainError NOT_FOUND */
function requireDenied(orders: KeySetOrders, key: SetKey): void {
  if (!isDenied(orders, key)) throw notFound(`Denied key (uri: ${key.uri}, kid: ${key.kid})`);
}

export function ordersAfter(orders: KeySetOrders, event: KeySetEvent): KeySetOrders {
  const { flushes, denied } = orders;
  switch (event.type) {
    case 'KeySetsFlushed': {
      const { uri, number } = event.data;
      return { flushes: withFlush(flushes, { uri, number }), denied };
    }
    case 'KeyIdDenied': {
      const { uri, kid } = event.data;
      return { flushes, denied: withDenial(denied, { uri, kid }) };
    }
    case 'KeyIdAllowed':
      return { flushes, denied: withoutDenial(denied, event.data) };
    default:
      return unreachable(event);
  }
}

/** @throws DomainError CONFLICT when there is no room for more, NOT_FOUND when nothing is to be lifted */
export function decideOnKeySets(
  command: KeySetCommand,
  { environmentId, keySetOrders: orders }: { readonly environmentId: string; readonly keySetOrders: KeySetOrders },
): readonly KeySetEvent[] {
  switch (command.type) {
    case 'FlushKeySets': {
      const { uri, now } = command;
      requireRoomToFlush(orders, uri);
      const data = { environmentId, uri, number: nextFlush(orders, now) };
      return [{ type: 'KeySetsFlushed', schemaVersion: 1, data }];
    }
    case 'DenyKeyId': {
      const { uri, kid } = command;
      if (isDenied(orders, { uri, kid })) return [];
      requireRoomToDeny(orders);
      return [{ type: 'KeyIdDenied', schemaVersion: 1, data: { environmentId, uri, kid } }];
    }
    case 'AllowKeyId': {
      const { uri, kid } = command;
      requireDenied(orders, { uri, kid });
      return [{ type: 'KeyIdAllowed', schemaVersion: 1, data: { environmentId, uri, kid } }];
    }
    default:
      return unreachable(command);
  }
}
