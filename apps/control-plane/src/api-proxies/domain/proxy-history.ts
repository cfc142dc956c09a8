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

/** A part of a proxy's stream, step by step from the state that it comes after. */
export function stepsOf(events: readonly RecordedEvent[], from: ApiProxyState = { status: 'absent' }): ProxyStep[] {
  let state = from;
  return events.map((recorded) => {
    // Nobody else writes to the stream of a proxy.
    const event = recorded as RecordedEvent & ApiProxyEvent;
    const before = state;
    state = evolveApiProxy(before, event);
    return { recorded, event, before, after: state };
  });
}
