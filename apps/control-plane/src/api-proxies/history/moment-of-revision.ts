import { lastDeployedAt } from '../../deployment-requests/deployment-history.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import { type ActiveApiProxy, type ProxyKeys, proxyAtTime, revisionSteps } from '../domain/index.ts';

interface RevisionThen {
  readonly proxyId: string;
  readonly revision: number;
  /** Empty: any. */
  readonly environmentIds: readonly string[];
}

/**
 * When a revision was last deployed to the environments, or else when it was recorded: ISO 8601. What ran beside it then
 * is what somebody remembers who wants it back.
 *
 * @param revision one that the proxy has had
 */
export async function momentOf(unit: Unit, revisionThen: RevisionThen): Promise<string> {
  const deployedAt = await lastDeployedAt(unit.transaction, revisionThen);
  if (deployedAt !== undefined) return deployedAt;
  const { proxyId, revision } = revisionThen;
  const [made] = await revisionSteps(unit.streams, proxyId, { after: revision - 1, limit: 1 });
  if (made === undefined) throw new Error(`revision ${revision} of ${proxyId} was never recorded`);
  return made.recorded.recordedAt;
}

/**
 * A proxy's keys as they were at a moment when it had a revision. Whoever deployed it may have had a slower clock than
 * whoever created it just before: the keys of the revision count then.
 */
export async function keysAt(unit: Unit, { proxyId, keys }: ActiveApiProxy, at: string): Promise<ProxyKeys> {
  const state = await proxyAtTime(unit.streams, proxyId, at);
  return state.status === 'absent' ? keys : state.keys;
}
