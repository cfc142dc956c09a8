import type { DomainEvent, EventSession, StreamReader } from '#libs/event-store';
import { foldOnto, type Decider } from './decider.ts';

/** What an aggregate came to, and by which event. */
export interface LoadedState<State> {
  readonly state: State;
  /** Of the last event; 0: there is no such stream, or none that early. */
  readonly version: number;
}

/** Loading folds about so many events at most, however long the stream is. */
export const SNAPSHOT_INTERVAL = 100;

interface Loaded<State, Event extends DomainEvent> {
  readonly from: LoadedState<State>;
  readonly events: readonly Event[];
}

async function load<State, Command, Event extends DomainEvent>(
  reader: StreamReader,
  decider: Decider<State, Command, Event>,
  { streamId, toVersion }: { readonly streamId: string; readonly toVersion: number | undefined },
): Promise<Loaded<State, Event>> {
  const { snapshot, events } = await reader.loadStream(streamId, decider.snapshotShape, toVersion);
  const from = { state: decider.initialState, version: 0 };
  // Nobody else writes to the streams of a decider.
  const own = events as readonly (Event & (typeof events)[number])[];
  if (snapshot === undefined) return { from, events: own };
  // A text: a state that came back from jsonb would have its members in another order than one that was folded.
  return { from: { state: JSON.parse(snapshot.state as string) as State, version: snapshot.version }, events: own };
}

/**
 * An aggregate's state, from its newest snapshot on.
 *
 * @param toVersion included: the state as it was then; left out: as it is now
 */
export async function loadState<State, Command, Event extends DomainEvent>(
  reader: StreamReader,
  decider: Decider<State, Command, Event>,
  streamId: string,
  toVersion?: number,
): Promise<LoadedState<State>> {
  const { from, events } = await load(reader, decider, { streamId, toVersion });
  return { state: foldOnto(decider, from.state, events), version: from.version + events.length };
}

/**
 * The same within a change, which keeps a snapshot at every version that is a multiple of `interval` and has none yet.
 * Snapshots are never deleted: whatever an aggregate was once is near one of them.
 */
export async function loadAndKeepState<State, Command, Event extends DomainEvent>(
  session: EventSession<unknown>,
  decider: Decider<State, Command, Event>,
  streamId: string,
  interval = SNAPSHOT_INTERVAL,
): Promise<LoadedState<State>> {
  const { from, events } = await load(session, decider, { streamId, toVersion: undefined });
  let { state, version } = from;
  for (const event of events) {
    state = decider.evolve(state, event);
    version += 1;
    if (version % interval !== 0) continue;
    await session.saveSnapshot(streamId, decider.snapshotShape, { version, state: JSON.stringify(state) });
  }
  return { state, version };
}
