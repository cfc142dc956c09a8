import { generateKeyPairSync } from 'node:crypto';
import type { KeySet } from '#libs/policy-runtime';
import type { FetchOutcome, KeySetDocuments, RedirectReach } from '../fetched-document.ts';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const jwk = publicKey.export({ format: 'jwk' });

/** A key set whose keys have these ids. */
export const keySetText = (...keyIds: readonly string[]): string =>
  JSON.stringify({ keys: keyIds.map((kid) => ({ ...jwk, kid })) });

export const served = (freshForSeconds: number, ...keyIds: readonly string[]): FetchOutcome => ({
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
  /** How far the redirects of the last one might lead. */
  redirectsTo: RedirectReach | undefined;
  readonly #pending: { readonly address: string; readonly end: (outcome: FetchOutcome) => void }[] = [];

  fetch(address: string, redirectsTo: RedirectReach): Promise<FetchOutcome> {
    this.asked.push(address);
    this.redirectsTo = redirectsTo;
    return new Promise((end) => this.#pending.push({ address, end }));
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** Ends the oldest fetch on its way, and lets everybody who waits for it go on. */
  async answer(outcome: FetchOutcome): Promise<void> {
    const fetch = this.#pending.shift();
    if (fetch === undefined) throw new Error('nobody fetches anything');
    fetch.end(outcome);
    await new Promise((done) => setImmediate(done));
  }
}
