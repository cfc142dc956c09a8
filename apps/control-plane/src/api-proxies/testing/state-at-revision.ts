import type { ApiProxyEvent } from '../domain/api-proxy.events.ts';
import { evolveApiProxy, type ApiProxyState } from '../domain/api-proxy.state.ts';

const ABSENT: ApiProxyState = { status: 'absent' };

/** What `proxyAtRevision` has to find, from all events of the proxy. */
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
