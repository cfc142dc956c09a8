import type { RecordedEvent } from '#libs/event-store';
import type { ApiProxyEvent } from './api-proxy.events.ts';
import { evolveApiProxy, type ApiProxyState } from './api-proxy.state.ts';

/** One event of a proxy between the states it lies between. */
export interface ProxyStep {
  readonly recorded: RecordedEvent;
  readonly event: ApiProxyEvent;
  readonly before: ApiProxyState;
  readonly after: ApiProxyState;
}

/** A proxy's stream from its beginning, step by step. */
export function stepsOf(events: readonly RecordedEvent[]): ProxyStep[] {
  let state: ApiProxyState = { status: 'absent' };
  return events.map((recorded) => {
    // Nobody else writes to the stream of a proxy.
    const event = recorded as RecordedEvent & ApiProxyEvent;
    const before = state;
    state = evolveApiProxy(before, event);
    return { recorded, event, before, after: state };
  });
}

/**
 * A proxy as it was at a moment; absent before its creation and after its deletion. Clocks of several processes may
 * differ a little while the stream has one order: the last event recorded by then counts, with all that came before it.
 *
 * @param at ISO 8601
 */
export function stateAtTime(events: readonly RecordedEvent[], at: string): ApiProxyState {
  const moment = Date.parse(at);
  const steps = stepsOf(events);
  return steps.findLast(({ recorded }) => Date.parse(recorded.recordedAt) <= moment)?.after ?? { status: 'absent' };
}
