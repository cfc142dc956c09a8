import type { DomainEvent } from '#libs/event-store';

/** An aggregate as three pure functions. Time, identity and randomness come in with the command. */
export interface Decider<State, Command, Event extends DomainEvent> {
  readonly initialState: State;
  evolve(state: State, event: Event): State;
  /** @throws DomainError when the command must not happen; nothing is recorded then. */
  decide(command: Command, state: State): readonly Event[];
}

/** The state after a stream's events. */
export function fold<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  events: readonly DomainEvent[],
): State {
  return events.reduce((state, event) => decider.evolve(state, event as Event), decider.initialState);
}

/** The compiler's proof that a union was handled completely. */
export function unreachable(value: never): never {
  throw new Error(`unhandled: ${JSON.stringify(value)}`);
}
