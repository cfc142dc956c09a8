import { UpcasterStuck } from './event-store-errors.ts';
import { type RecordedEvent } from './event-store.port.ts';

/** Gives an event of an old shape its next one: a higher `schemaVersion`, or another `type`. Pure. */
export type Upcaster = (event: RecordedEvent) => RecordedEvent;

/** Upcasters by the shape they take, see {@link upcasterKey}. */
export type Upcasters = ReadonlyMap<string, Upcaster>;

/** `ProxyCreated@1` */
export const upcasterKey = (type: string, schemaVersion: number): string => `${type}@${schemaVersion}`;

/** Types as they are stored that may be one of `types` after upcasting: these, and all that have an upcaster. */
export function storedTypes(types: ReadonlySet<string>, upcasters: Upcasters): readonly string[] {
  const upcast = [...upcasters.keys()].map((key) => key.slice(0, key.lastIndexOf('@')));
  return [...new Set([...types, ...upcast])];
}

export const NO_UPCASTERS: Upcasters = new Map();

/**
 * Brings an event up to the newest shape, step by step. What is stored stays as it was.
 *
 * @throws UpcasterStuck when the upcasters lead in a circle
 */
export function upcast(event: RecordedEvent, upcasters: Upcasters): RecordedEvent {
  let current = event;
  const met = new Set<string>();
  for (;;) {
    const key = upcasterKey(current.type, current.schemaVersion);
    const next = upcasters.get(key);
    if (next === undefined) return current;
    if (met.has(key)) throw new UpcasterStuck(key);
    met.add(key);
    current = next(current);
  }
}
