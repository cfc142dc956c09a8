import type { DomainEvent } from '#libs/event-store';
import { fold, type Decider } from '../decider.ts';
import { DomainError, type DomainErrorCode } from '../domain-error.ts';

interface Decision<Event extends DomainEvent> {
  /** Exactly these events, in this order. */
  then(events: readonly Event[]): void;
  /** A refusal of this code; `fields` are the paths of its faults. */
  thenRefuses(code: DomainErrorCode, ...fields: readonly string[]): void;
}

interface History<Command, Event extends DomainEvent> {
  when(command: Command): Decision<Event>;
}

/** A decider's test as a sentence: given what has happened, when this is asked for, then this happens. */
export function given<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  history: readonly Event[],
): History<Command, Event> {
  const state = fold(decider, history);
  const when = (command: Command): Decision<Event> => {
    const decide = () => decider.decide(command, state);
    return {
      then: (events) => expect(decide()).toEqual(events),
      thenRefuses: (code, ...fields) => {
        const refusal = refusalOf(decide);
        expect({ code: refusal.code, fields: refusal.faults.map((fault) => fault.field) }).toEqual({ code, fields });
      },
    };
  };
  return { when };
}

function refusalOf(decide: () => unknown): DomainError {
  try {
    decide();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('the command was not refused');
}
