import { generateKeyPairSync } from 'node:crypto';
import type { KeySet } from '#libs/policy-runtime';
import type { DownloadedDocument, FetchOutcome, FetchWish, KeySetDocuments } from '../fetched-document.ts';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const jwk = publicKey.export({ format: 'jwk' });

/** A key set whose keys have these ids. */
export const keySetText = (...keyIds: readonly string[]): string =>
  JSON.stringify({ keys: keyIds.map((kid) => ({ ...jwk, kid })) });

export const served = (freshForSeconds: number, ...keyIds: readonly string[]): DownloadedDocument => ({
  ok: true,
  text: keySetText(...keyIds),
  freshForSeconds,
});

/** What a token of this key gets to hear of a set. */
export function verdict(set: KeySet | Promise<KeySet> | undefined, keyId: string): string {
  if (set === undefined) return 'not asked';
  if (set instanceof Promise) return 'waits';
  if (typeof set !== 'function') return set.code;
  const found = set({ kid: keyId }, 'ES256', undefined);
  return 'ok' in found ? found.code : 'found';
}

/** What tokens of this key get to hear of the sets that they wait for. */
export async function verdicts(
  sets: readonly (KeySet | Promise<KeySet> | undefined)[],
  keyId: string,
): Promise<readonly string[]> {
  return Promise.all(sets.map(async (set) => verdict(await set, keyId)));
}

/** Fetches that end when the test says so. */
export class HandDrivenDocuments implements KeySetDocuments {
  /** Every address that was asked for, in order. */
  readonly asked: string[] = [];
  /** The last of them. */
  wish: FetchWish | undefined;
  readonly #pending: ((outcome: FetchOutcome) => void)[] = [];

  /** @param nowMs documents were asked for when the wish came */
  constructor(private readonly nowMs: () => number) {}

  fetch(wish: FetchWish): Promise<FetchOutcome> {
    this.asked.push(wish.address);
    this.wish = wish;
    const stamp = { fetchedAtMs: this.nowMs(), flush: wish.flush };
    return new Promise((end) => this.#pending.push((outcome) => end(outcome.ok ? { ...stamp, ...outcome } : outcome)));
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** The oldest fetch on its way, which ends with what it is given, after others if need be. */
  takeOldest(): (outcome: DownloadedDocument | FetchOutcome) => Promise<void> {
    const end = this.#pending.shift();
    if (end === undefined) throw new Error('nobody fetches anything');
    return async (outcome) => {
      end(outcome as FetchOutcome);
      await new Promise((done) => setImmediate(done));
    };
  }

  /** Ends the oldest fetch on its way, and lets everybody who waits for it go on. */
  async answer(outcome: DownloadedDocument | FetchOutcome): Promise<void> {
    await this.takeOldest()(outcome);
  }
}
