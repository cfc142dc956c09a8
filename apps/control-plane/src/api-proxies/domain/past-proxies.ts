import type { StreamReader } from '#libs/event-store';
import { notFound } from '../../decider/domain-error.ts';
import { loadState, SNAPSHOT_INTERVAL, type LoadedState } from '../../decider/stream-states.ts';
import { apiProxyDecider } from './api-proxy.decider.ts';
import { apiProxyStream, type ActiveApiProxy, type ApiProxyState } from './api-proxy.state.ts';
import { stepsOf, type ProxyStep } from './proxy-history.ts';

/** What comes after a number, at most so many. */
export interface Page {
  readonly after: number;
  readonly limit: number;
}

const ABSENT: ApiProxyState = { status: 'absent' };
const PAGE_LENGTH = SNAPSHOT_INTERVAL;

const hasRevision = (state: ApiProxyState, revision: number): boolean =>
  state.status === 'active' && state.revision === revision;

const stateAfter = (reader: StreamReader, proxyId: string, version: number) =>
  loadState(reader, apiProxyDecider, apiProxyStream(proxyId), version);

async function stepsAfter(
  reader: StreamReader,
  proxyId: string,
  { state, version }: LoadedState<ApiProxyState>,
  limit: number,
): Promise<ProxyStep[]> {
  const range = { fromVersion: version + 1, toVersion: version + limit };
  return stepsOf(await reader.readStream(apiProxyStream(proxyId), range), state);
}

type Reached = LoadedState<ApiProxyState>;

/** The first state of the next page of events that has the revision, or else the last one; undefined at the end. */
async function stepTowards(
  reader: StreamReader,
  proxyId: string,
  from: Reached,
  revision: number,
): Promise<Reached | undefined> {
  const steps = await stepsAfter(reader, proxyId, from, PAGE_LENGTH);
  const step = steps.find(({ after }) => hasRevision(after, revision)) ?? steps.at(-1);
  return step === undefined ? undefined : { state: step.after, version: step.recorded.streamVersion };
}

/**
 * A version at which the proxy had a revision; undefined when it never had it. No event makes more than one revision: it
 * is not before the version of its number, nor closer than there are revisions to come.
 */
async function reach(reader: StreamReader, proxyId: string, revision: number): Promise<Reached | undefined> {
  let at: Reached | undefined = await stateAfter(reader, proxyId, revision);
  while (at?.state.status === 'active') {
    const toCome: number = revision - at.state.revision;
    if (toCome === 0) return at;
    const next: Reached | undefined =
      toCome > PAGE_LENGTH
        ? await stateAfter(reader, proxyId, at.version + toCome)
        : await stepTowards(reader, proxyId, at, revision);
    at = next?.version === at.version ? undefined : next;
  }
  return undefined;
}

/**
 * A proxy as it was when it had a revision, with the last keys it had then; absent when it never had it. Reads some
 * hundred events, however long its history is.
 */
export async function proxyAtRevision(reader: StreamReader, proxyId: string, revision: number): Promise<ApiProxyState> {
  if (!Number.isSafeInteger(revision) || revision < 1) return ABSENT;
  // Mostly it has it still.
  const newest = await loadState(reader, apiProxyDecider, apiProxyStream(proxyId));
  if (hasRevision(newest.state, revision)) return newest.state;
  let reached = await reach(reader, proxyId, revision);
  while (reached !== undefined) {
    const steps = await stepsAfter(reader, proxyId, reached, PAGE_LENGTH);
    const past = steps.findIndex(({ after }) => !hasRevision(after, revision));
    const had = past === -1 ? steps : steps.slice(0, past);
    const state: ApiProxyState = had.at(-1)?.after ?? reached.state;
    if (had.length < PAGE_LENGTH) return state;
    reached = { state, version: reached.version + PAGE_LENGTH };
  }
  return ABSENT;
}

/**
 * A revision of a proxy, also of one that was deleted.
 *
 * @throws DomainError NOT_FOUND when the proxy never had it
 */
export async function revisionOf(
  { streams }: { readonly streams: StreamReader },
  proxyId: string,
  revision: number,
): Promise<ActiveApiProxy> {
  const state = await proxyAtRevision(streams, proxyId, revision);
  if (state.status === 'absent') throw notFound(`Revision ${revision} of the ApiProxy`);
  return state;
}

/**
 * A proxy as it was at a moment; absent before its creation and after its deletion. Clocks of several processes may
 * differ a little while the stream has one order: the last event recorded by then counts, with all that came before it.
 *
 * @param moment ISO 8601
 */
export async function proxyAtTime(reader: StreamReader, proxyId: string, moment: string): Promise<ApiProxyState> {
  const version = await reader.versionAt(apiProxyStream(proxyId), moment);
  return version === 0 ? ABSENT : (await stateAfter(reader, proxyId, version)).state;
}

/** What happened to a proxy after a version of its stream, step by step. */
export async function proxySteps(reader: StreamReader, proxyId: string, { after, limit }: Page): Promise<ProxyStep[]> {
  const start = await stateAfter(reader, proxyId, after);
  return start.version < after ? [] : stepsAfter(reader, proxyId, start, limit);
}

/** Other keys are another event, not another revision. */
export const isRevision = ({ event }: ProxyStep): boolean =>
  event.type !== 'KeysChanged' && event.type !== 'ProxyDeleted';

/** The steps that made the revisions after one of them. */
export async function revisionSteps(
  reader: StreamReader,
  proxyId: string,
  { after, limit }: Page,
): Promise<ProxyStep[]> {
  const beginning = { state: ABSENT, version: 0 };
  let at = after === 0 ? beginning : await reach(reader, proxyId, after);
  const found: ProxyStep[] = [];
  while (at !== undefined && found.length < limit) {
    const steps = await stepsAfter(reader, proxyId, at, PAGE_LENGTH);
    found.push(...steps.filter(isRevision));
    const last = steps.at(-1);
    at = last === undefined ? undefined : { state: last.after, version: last.recorded.streamVersion };
  }
  return found.slice(0, limit);
}
