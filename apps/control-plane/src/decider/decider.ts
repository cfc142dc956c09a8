import type { DomainEvent } from '#libs/event-store';

/** An aggregate as three pure functions. Time, identity and randomness come in with the command. */
export interface Decider<State, Command, Event extends DomainEvent> {
  readonly initialState: State;
  /**
   * Names the form of the state, as `apiProxy@1`; states are plain JSON. Its number rises with every change of what
   * `State` holds, of how events evolve it, and with every new upcaster: snapshots under another number are passed over.
   */
  readonly snapshotShape: `${string}@${number}`;
  evolve(state: State, event: Event): State;
  /** @throws DomainError when the command must not happen; nothing is recorded then. */
  decide(command: Command, state: State): readonly Event[];
}

/** The state after a stream's events. */
export function fold<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  events: readonly DomainEvent[],
): State {
  return foldOnto(decider, decider.initialState, events);
}

/** The state after some more events. */
export function foldOnto<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  state: State,
  events: readonly DomainEvent[],
): State {
  return events.reduce((current, event) => decider.evolve(current, event as Event), state);
}

/** The compiler's proof that a union was handled completely. */
export function unreachable(value: never): never {
  throw new Error(`unhandled: ${JSON.stringify(value)}`);
}
