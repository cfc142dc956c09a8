import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';

/** What came of a policy: nothing, a fault that stops the flow, or the promise of either where something is waited for. */
export type Outcome = Fault | undefined | Promise<Fault | undefined>;

/** One linked policy, or several joined into one: runs at `nowMs`. Answers at once unless this request makes it wait. */
export type Step = (exchange: Exchange, nowMs: number) => Outcome;

async function afterWaiting(
  pending: Promise<Fault | undefined>,
  remaining: readonly Step[],
  exchange: Exchange,
  nowMs: number,
): Promise<Fault | undefined> {
  const fault = await pending;
  if (fault !== undefined) return fault;
  for (const step of remaining) {
    const outcome = await step(exchange, nowMs);
    if (outcome !== undefined) return outcome;
  }
  return undefined;
}

/** Joins steps into one that stops at the first fault; it waits only while one of them does. */
export function inSequence(steps: readonly Step[]): Step {
  const [only] = steps;
  if (steps.length === 1 && only !== undefined) return only;
  return (exchange, nowMs) => {
    for (const [index, step] of steps.entries()) {
      const outcome = step(exchange, nowMs);
      if (outcome instanceof Promise) return afterWaiting(outcome, steps.slice(index + 1), exchange, nowMs);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  };
}

/** Goes on with what a step, or a part of one, answered: at once where it did not wait. */
export function whenAnswered<Answer, Result>(
  answer: Answer | Promise<Answer>,
  then: (answer: Answer) => Result | Promise<Result>,
): Result | Promise<Result> {
  return answer instanceof Promise ? answer.then(then) : then(answer);
}
