import type { ApiProxyEvent } from './api-proxy.events.ts';
import { evolveApiProxy, type ApiProxyState } from './api-proxy.state.ts';

const ABSENT: ApiProxyState = { status: 'absent' };

/** A proxy as it was when it had a revision; absent when it never had it, or was deleted by then. */
export function stateAtRevision(events: readonly ApiProxyEvent[], revision: number): ApiProxyState {
  let state = ABSENT;
  for (const event of events) {
    const next = evolveApiProxy(state, event);
    const isPast = next.status === 'absent' || next.revision > revision;
    if (state.status === 'active' && state.revision === revision && isPast) return state;
    state = next;
  }
  return state.status === 'active' && state.revision === revision ? state : ABSENT;
}
