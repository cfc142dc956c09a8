import type { apiProxyDecider, ApiProxyEvent, ApiProxyState } from '../../api-proxies/domain/index.ts';

/** A proxy as it was when it had a revision; absent when it never had it, or was deleted by then. */
export function stateAtRevision(
  decider: typeof apiProxyDecider,
  events: readonly ApiProxyEvent[],
  revision: number,
): ApiProxyState {
  let state = decider.initialState;
  for (const event of events) {
    const next = decider.evolve(state, event);
    const isPast = next.status === 'absent' || next.revision > revision;
    if (state.status === 'active' && state.revision === revision && isPast) return state;
    state = next;
  }
  return state.status === 'active' && state.revision === revision ? state : decider.initialState;
}
