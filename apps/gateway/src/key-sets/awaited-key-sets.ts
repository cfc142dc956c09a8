import type { KeySetNote } from '#libs/config-distribution';
import type { FailedFetch } from './fetched-document.ts';
import { withoutQuery } from './without-query.ts';

/** A proxy that is served, and the key sets that its policies name. */
export interface KeySetUser {
  readonly proxyId: string;
  readonly deployment: number;
  /** As `LinkedProxy.keySetAddresses`. */
  readonly addresses: readonly string[];
}

/** A lease says no more than so many: those of the newest deployments. */
export const NOTES_MAX = 100;

interface AwaitedSet {
  /** Deployments that it was not there for, by proxy. */
  readonly deployments: Map<string, number>;
  /** Of the last fetch that failed: while it is tried again, it is still what is known. */
  reason: string | undefined;
}

const reasonOf = ({ failure, detail }: FailedFetch): string =>
  detail === undefined ? failure : `${failure} ${detail}`;

/** Key sets that have not been there since deployments that are served brought them, for whoever deployed to know. */
export class AwaitedKeySets {
  readonly #awaited = new Map<string, AwaitedSet>();

  /** @param onNote told when `notes` answers something else than before */
  constructor(private readonly onNote: () => void) {}

  /** A deployment names a set that is not there. */
  add({ proxyId, deployment }: KeySetUser, address: string, failure: FailedFetch | undefined): void {
    const known = this.#awaited.get(address);
    const awaited: AwaitedSet = known ?? { deployments: new Map(), reason: failure && reasonOf(failure) };
    awaited.deployments.set(proxyId, deployment);
    if (known === undefined) this.#awaited.set(address, awaited);
    this.onNote();
  }

  /** The deployment is not served any more. */
  drop({ proxyId, deployment }: KeySetUser, address: string): void {
    const deployments = this.#awaited.get(address)?.deployments;
    if (deployments?.get(proxyId) !== deployment) return;
    deployments.delete(proxyId);
    if (deployments.size === 0) this.#awaited.delete(address);
    this.onNote();
  }

  came(address: string): void {
    if (this.#awaited.delete(address)) this.onNote();
  }

  failed(address: string, failure: FailedFetch): void {
    const awaited = this.#awaited.get(address);
    const reason = reasonOf(failure);
    if (awaited === undefined || awaited.reason === reason) return;
    awaited.reason = reason;
    this.onNote();
  }

  notes(): readonly KeySetNote[] {
    const notes: KeySetNote[] = [];
    for (const [address, { deployments, reason }] of this.#awaited) {
      const state: Pick<KeySetNote, 'state' | 'reason'> =
        reason === undefined ? { state: 'fetching' } : { state: 'failed', reason };
      const said = { address: withoutQuery(address), ...state };
      for (const [proxyId, deployment] of deployments) {
        notes.push({ proxyId, deployment, ...said });
      }
    }
    return notes.sort((one, other) => other.deployment - one.deployment).slice(0, NOTES_MAX);
  }
}
