import { setImmediate as othersHadTheirTurn } from 'node:timers/promises';
import { unreachable } from '../../decider/decider.ts';
import type { ActiveApiProxy, ApiProxyState, ProxyStep } from '../domain/index.ts';
import { apiProxyView, endpointView } from '../api-proxy-views.ts';
import { pastPolicyList, pastPolicyView } from '../past-api-proxy-view.ts';
import { changesBetween, type Change } from './changes-between.ts';

/** One item of `GET X/events/` (contract 4.2). */
export interface ProxyEventView extends RevisionView {
  /** In the proxy's stream; its creation is 1. */
  readonly sequence: number;
  readonly requestId: string;
  /** What the event concerns as it is after it, and each field of the proxy that it changed. */
  readonly data: Readonly<Record<string, unknown>> & { readonly changes: readonly Change[] };
}

/** One item of `GET X/revisions/`. */
export interface RevisionView {
  readonly revision: number;
  readonly type: string;
  readonly actor: string;
  /** ISO 8601. */
  readonly at: string;
  readonly reason: string | null;
}

/** Most events leave the endpoints alone, and one list compares with itself at no cost. */
const endpointLists = new WeakMap<ActiveApiProxy['endpoints'], readonly object[]>();

function endpointListOf({ endpoints }: ActiveApiProxy): readonly object[] {
  const known = endpointLists.get(endpoints);
  if (known !== undefined) return known;
  const list = endpoints.map(endpointView);
  endpointLists.set(endpoints, list);
  return list;
}

/** What a revision numbers, as apiops shows it: two revisions are compared in this form. */
export function contentView(proxy: ActiveApiProxy) {
  const { apiProxyName: _name, revision: _revision, ...content } = apiProxyView(proxy);
  return { ...content, endpointList: endpointListOf(proxy), policyList: pastPolicyList(proxy) };
}

/** Each state lies between two events. */
const recordedViews = new WeakMap<ActiveApiProxy, object>();

/** The content and, beside it, what is no content but is recorded in the same stream; secrets are references. */
function recordedView(state: ApiProxyState): object {
  if (state.status === 'absent') return {};
  const known = recordedViews.get(state);
  if (known !== undefined) return known;
  const view = { ...contentView(state), keys: state.keys };
  recordedViews.set(state, view);
  return view;
}

function settingsView(proxy: ActiveApiProxy) {
  const { endpointList: _endpoints, policyList: _policies, ...settings } = contentView(proxy);
  return settings;
}

function policyOf(state: ActiveApiProxy, name: string) {
  const placed = state.policies.find((policy) => policy.name === name);
  return placed === undefined ? { policyName: name } : pastPolicyView(state, placed);
}

function deletedPolicyOf(before: ApiProxyState, policyName: string) {
  const placed = before.status === 'active' ? before.policies.find(({ name }) => name === policyName) : undefined;
  if (before.status !== 'active' || placed === undefined) return { policyName };
  return { policyName, operationMetadata: pastPolicyView(before, placed).operationMetadata };
}

/** What an event concerns, as it is after it; of what it took away, what it was called and where it stood. */
function subjectOf({ event, before }: ProxyStep, after: ActiveApiProxy): Record<string, unknown> {
  switch (event.type) {
    case 'ProxyCreated':
      return { apiProxyName: after.name, ...recordedView(after) };
    case 'ProxyUpdated':
      return settingsView(after);
    case 'ProxyDeleted':
      return { apiProxyName: after.name };
    case 'KeysChanged':
      return { keys: after.keys };
    case 'EndpointAdded':
    case 'EndpointUpdated':
      return { endpoint: endpointView(event.data.endpoint) };
    case 'EndpointDeleted': {
      const { name, httpMethod, policyNames } = event.data;
      return { endpoint: { name, httpMethod }, policyNames };
    }
    case 'PolicyAdded':
    case 'PolicyUpdated':
      return policyOf(after, event.data.name);
    case 'PolicyDeleted':
      return deletedPolicyOf(before, event.data.name);
    case 'RolledBack':
      return { toRevision: event.data.toRevision, ...contentView(after) };
    default:
      return unreachable(event);
  }
}

const revisionOf = ({ before, after }: ProxyStep): number => {
  const state = after.status === 'active' ? after : before;
  return state.status === 'active' ? state.revision : 0;
};

export function revisionView(step: ProxyStep): RevisionView {
  const { type, metadata, recordedAt } = step.recorded;
  return { revision: revisionOf(step), type, actor: metadata.actor, at: recordedAt, reason: metadata.reason ?? null };
}

export function proxyEventView(step: ProxyStep): ProxyEventView {
  const { streamVersion: sequence, metadata } = step.recorded;
  const shown = step.after.status === 'active' ? step.after : step.before;
  const subject = shown.status === 'active' ? subjectOf(step, shown) : {};
  const changes = changesBetween(recordedView(step.before), recordedView(step.after));
  return { sequence, ...revisionView(step), requestId: metadata.requestId, data: { ...subject, changes } };
}

/** Each reads a policy, its keys too, and compares two proxies: some milliseconds for all of them. */
const VIEWED_AT_ONCE = 25;

/** A page of events; everybody else has a turn now and then while it is made. */
export async function proxyEventViews(steps: readonly ProxyStep[]): Promise<ProxyEventView[]> {
  const views: ProxyEventView[] = [];
  for (let at = 0; at < steps.length; at += VIEWED_AT_ONCE) {
    views.push(...steps.slice(at, at + VIEWED_AT_ONCE).map(proxyEventView));
    await othersHadTheirTurn();
  }
  return views;
}
