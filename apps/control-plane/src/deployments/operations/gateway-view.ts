import type { LeaseState, LogPosition } from '#libs/config-distribution';
import type { DriftFinding } from '../drift/drift-finding.ts';
import { driftOfGateway } from './present-drift.ts';
import type { ProxyTitle } from '../../persistence/proxy-titles.ts';
import type { GatewayWarning } from '../../deployment-requests/deployment-rows.ts';
import { shownAddress } from '../channel/key-set-warnings.ts';

/** A live gateway, as its lease has it. */
export interface GatewayView {
  readonly gatewayId: string;
  readonly programVersion: string;
  /** Where it serves, `host:port`. */
  readonly address: string;
  readonly rootContext: string | null;
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601, by the clock of the environment's Redis. */
  readonly lastSeen: string | null;
  /** The highest that it has applied. */
  readonly deployment: number;
  /** Whether it has come to the end of what is published, and refused nothing of it. */
  readonly upToDate: boolean;
  /** Whether it serves exactly what is recorded; null: gateways of earlier builds do not say what they serve. */
  readonly inSync: boolean | null;
  /** Why it is not in sync, where that is known. */
  readonly problem: string | null;
  /** Proxies that it serves; null: gateways of earlier builds do not say it. */
  readonly served: number | null;
  /** Changes that are published and that it has not read; null: it follows another log, or none. */
  readonly behind: number | null;
  /** Proxies whose newest deployment it rejected. */
  readonly rejectedCount: number;
  /** Of proxies whose newest deployment it has not applied what it serves; a deployment of 0: nothing. */
  readonly servesInstead: readonly (ProxyTitle & { readonly deployment: number })[];
  /** The newest of them, with reasons. */
  readonly rejected: readonly (ProxyTitle & { readonly deployment: number; readonly reason: string })[];
  /**
   * Version of the standing orders that it obeys, by what they are about, 0 before the first; null: a gateway of an
   * earlier build.
   */
  readonly obeys: Readonly<Record<string, number>> | null;
  /** Key sets by address of what it serves that are not there (yet); null: a gateway of an earlier build. */
  readonly keySetNotes: readonly (ProxyTitle & MissingKeySet)[] | null;
}

type MissingKeySet = Omit<GatewayWarning, 'gatewayId'> & { readonly deployment: number };

export interface GatewayFacts {
  /** Where the log ends; undefined: there is none. */
  readonly end: LogPosition | undefined;
  /** When gateways were heard of last, milliseconds since the epoch. */
  readonly seenMs: ReadonlyMap<string, number>;
  readonly titles: (proxyId: string) => ProxyTitle;
  readonly drift: readonly DriftFinding[];
}

const timeText = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

function behindOf({ loaded }: LeaseState, end: LogPosition | undefined): number | null {
  if (end === undefined || loaded?.epoch !== end.epoch) return null;
  return Math.max(0, end.sequence - loaded.sequence);
}

/** Why it does not serve what is recorded; null: it does, or it is not known. */
function problemOf(lease: LeaseState, { end, drift }: GatewayFacts, rejected: number): string | null {
  const { gatewayId, loaded, holdsInstead = [] } = lease;
  const behind = behindOf(lease, end);
  if (loaded === null) return 'it has read nothing yet';
  if (loaded.epoch !== end?.epoch) return 'it follows another log than the one that is published';
  const drifted = driftOfGateway(gatewayId, drift);
  if (drifted !== undefined) return drifted;
  if (rejected > 0) return `it rejects the newest deployment of ${rejected} proxies`;
  if (holdsInstead.length > 0) return `it serves another deployment than the newest of ${holdsInstead.length} proxies`;
  return behind === null || behind === 0 ? null : `it has not read ${behind} published changes yet`;
}

/** A gateway as its lease has it, beside what is published and recorded. */
export function gatewayView(lease: LeaseState, facts: GatewayFacts): GatewayView {
  const { gatewayId, programVersion, address, rootContext = null, startedAt, deployment, rejected, served } = lease;
  const { titles, seenMs, end } = facts;
  const { rejectedDeployments = rejected, holdsInstead = [], obeys = null, keySetNotes } = lease;
  const rejectedCount = rejectedDeployments.length;
  const problem = problemOf(lease, facts, rejectedCount);
  const behind = behindOf(lease, end);
  return {
    ...{ gatewayId, programVersion, address, rootContext, startedAt },
    ...{ lastSeen: timeText(seenMs.get(gatewayId)), deployment, upToDate: rejectedCount === 0 && behind === 0 },
    inSync: problem !== null ? false : served === undefined ? null : true,
    ...{ problem, served: served?.proxies ?? null, behind, rejectedCount },
    servesInstead: holdsInstead.map((one) => ({ ...titles(one.proxyId), deployment: one.deployment })),
    rejected: rejected.map((one) => ({ ...titles(one.proxyId), deployment: one.deployment, reason: one.reason })),
    obeys,
    keySetNotes:
      keySetNotes?.map(({ proxyId, deployment: of, address: uri, state, reason = null }) => ({
        ...titles(proxyId),
        ...{ deployment: of, address: shownAddress(uri), state, reason },
      })) ?? null,
  };
}
