import { refusal } from '#libs/jwt-engine';
import type { KeySet, KeySets } from '#libs/policy-runtime';
import type { KeySetAge } from '../metrics/key-set-metrics.ts';
import { CachedKeySet } from './cached-key-set.ts';
import { failed, type FailedFetch, type FetchOutcome, type KeySetDocuments } from './fetched-document.ts';
import { FRESHNESS_SECONDS } from './freshness.ts';
import type { KeySetJournal } from './key-set-journal.ts';
import { isWithin } from './time-span.ts';

export interface GatewayKeySetsOptions {
  readonly documents: KeySetDocuments;
  readonly journal: KeySetJournal;
  /** How long the last good set serves when its host fails. */
  readonly staleLimitSeconds: number;
  /** Any clock of milliseconds: only differences count. */
  readonly nowMs: () => number;
}

export const KEY_SET_LIMITS = {
  /** Sets whose addresses came from variables; beyond it those that nothing came for go, then the one asked for longest ago. */
  fromVariables: 1_000,
  /** Characters of the documents that these were read from, all together. */
  lengthFromVariables: 32 * 1024 * 1024,
  addressLength: 2_048,
  /** How often sets that nobody asks for are looked for. */
  sweepEveryMs: 60_000,
} as const;

const MS_PER_SECOND = 1_000;
const NO_KEYS = refusal('InvalidKeyConfiguration');

/** The address as a metric may show it. */
function withoutQuery(address: string): string {
  if (!URL.canParse(address)) return '';
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
}

/** Sets that nothing came for go first: addresses that strangers made up push out none that is of use. */
function goesBefore(one: CachedKeySet, other: CachedKeySet): boolean {
  const [isEmpty, isOtherEmpty] = [one.fetchedAtMs === undefined, other.fetchedAtMs === undefined];
  return isEmpty === isOtherEmpty ? one.lastAskedAtMs < other.lastAskedAtMs : isEmpty;
}

/**
 * The key sets that this gateway's policies take their keys from, by address.
 *
 * Sets that policies name are never pushed out by sets whose addresses came from variables. What any set holds is forgotten
 * once nobody has asked for it for so long that it could not be served any more; whoever asks again waits for a fetch, as
 * he would have anyway. That a policy named the address is not forgotten.
 */
export class GatewayKeySets implements KeySets {
  readonly #named = new Map<string, CachedKeySet>();
  readonly #fromVariables = new Map<string, CachedKeySet>();
  readonly #forgetAfterMs: number;
  #sweptAtMs: number | undefined;

  constructor(private readonly options: GatewayKeySetsOptions) {
    this.#forgetAfterMs = Math.max(options.staleLimitSeconds, FRESHNESS_SECONDS.longest) * MS_PER_SECOND;
  }

  prefetch(address: string): void {
    if (this.#isTooLong(address)) return;
    this.#sweep();
    const set = this.#find(address) ?? this.#created(address);
    this.#fromVariables.delete(address);
    this.#named.set(address, set);
    set.prefetch();
  }

  current(address: string): KeySet | Promise<KeySet> {
    return this.#asked(address)?.current() ?? NO_KEYS;
  }

  newerFor(address: string, keyId: string): Promise<KeySet> | undefined {
    return this.#asked(address)?.newerFor(keyId);
  }

  /** Of the sets that policies name, those that were fetched. Of several addresses that differ in their query, the last. */
  *ages(): Generator<KeySetAge> {
    const now = this.options.nowMs();
    for (const [address, { fetchedAtMs }] of this.#named) {
      if (fetchedAtMs === undefined) continue;
      yield { address: withoutQuery(address), ageSeconds: (now - fetchedAtMs) / MS_PER_SECOND };
    }
  }

  #find(address: string): CachedKeySet | undefined {
    return this.#named.get(address) ?? this.#fromVariables.get(address);
  }

  #asked(address: string): CachedKeySet | undefined {
    return this.#find(address) ?? this.#addFromVariable(address);
  }

  #isTooLong(address: string): boolean {
    if (address.length <= KEY_SET_LIMITS.addressLength) return false;
    this.#tell(address, failed('invalid-address', 'TOO_LONG'));
    return true;
  }

  /** Of an address that gets no set, and so no fetch. */
  #tell(address: string, fault: FailedFetch): void {
    const voice = this.options.journal.voiceOf(address, () => false);
    voice.fetched(fault.failure);
    voice.failing(fault);
  }

  /** undefined: too long, or there are too many, each of them being fetched. */
  #addFromVariable(address: string): CachedKeySet | undefined {
    if (this.#isTooLong(address)) return undefined;
    this.#sweep();
    if (this.#fromVariables.size >= KEY_SET_LIMITS.fromVariables && !this.#pushOut()) {
      this.#tell(address, failed('too-many'));
      return undefined;
    }
    const set = this.#created(address);
    this.#fromVariables.set(address, set);
    return set;
  }

  #created(address: string): CachedKeySet {
    const { journal, staleLimitSeconds, nowMs } = this.options;
    const isNamed = (): boolean => this.#named.has(address);
    const fetch = (): Promise<FetchOutcome> =>
      isNamed() ? this.#fetchNamed(address) : this.#fetchFromVariable(address);
    const voice = journal.voiceOf(address, isNamed);
    return new CachedKeySet({ fetch, voice, staleLimitMs: staleLimitSeconds * MS_PER_SECOND, nowMs });
  }

  #fetchNamed(address: string): Promise<FetchOutcome> {
    return this.options.documents.fetch(address, 'any-host');
  }

  async #fetchFromVariable(address: string): Promise<FetchOutcome> {
    const outcome = await this.options.documents.fetch(address, 'same-host');
    if (outcome.ok) this.#makeRoomFor(outcome.text.length);
    return outcome;
  }

  #makeRoomFor(length: number): void {
    let left = KEY_SET_LIMITS.lengthFromVariables - length;
    for (const { documentLength } of this.#fromVariables.values()) left -= documentLength;
    while (left < 0) {
      const gone = this.#pushOut();
      if (gone === undefined) return;
      left += gone.documentLength;
    }
  }

  /** Not one that is being fetched: it would be fetched twice at once when somebody asks for it again. */
  #pushOut(): CachedKeySet | undefined {
    let first: [address: string, set: CachedKeySet] | undefined;
    for (const entry of this.#fromVariables) {
      if (!entry[1].isFetching && (first === undefined || goesBefore(entry[1], first[1]))) first = entry;
    }
    if (first !== undefined) this.#fromVariables.delete(first[0]);
    return first?.[1];
  }

  #sweep(): void {
    const now = this.options.nowMs();
    if (isWithin(this.#sweptAtMs, KEY_SET_LIMITS.sweepEveryMs, now)) return;
    this.#sweptAtMs = now;
    const isForgotten = ({ isFetching, lastAskedAtMs }: CachedKeySet): boolean =>
      !isFetching && !isWithin(lastAskedAtMs, this.#forgetAfterMs, now);
    for (const [address, set] of this.#fromVariables) if (isForgotten(set)) this.#fromVariables.delete(address);
    for (const [address, set] of this.#named) if (isForgotten(set)) this.#named.set(address, this.#created(address));
  }
}
