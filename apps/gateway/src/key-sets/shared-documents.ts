import { ChannelUnavailable, type ChannelKeys, type KeySetShelf } from '#libs/config-distribution';
import type { FetchOutcome, FetchWish, KeySetDocuments } from './fetched-document.ts';
import { SharedFetch, type SharedAnswer, type SharedFetchOptions } from './shared-fetch.ts';
import type { SharingJournal } from './sharing-journal.ts';
import { ShelvedSet } from './shelved-set.ts';

export interface SharedDocumentsOptions extends SharedFetchOptions {
  readonly shelf: KeySetShelf;
  /** undefined as long as they are not known. */
  readonly keys: () => ChannelKeys | undefined;
  /** Gateways where this differs share nothing: what one may ask for, the other may not. */
  readonly allowPrivateHosts: boolean;
  readonly journal: SharingJournal;
}

/**
 * The documents of key sets as all gateways of the environment have them: one of them asks the server, the others take
 * what it found. Where nothing can be shared, this one asks for itself; a Redis that hangs costs no more than the time
 * of one command.
 */
export class SharedDocuments implements KeySetDocuments {
  constructor(private readonly options: SharedDocumentsOptions) {}

  async fetch(wish: FetchWish): Promise<FetchOutcome> {
    const { outcome, how } = await this.#answer(wish);
    this.options.journal.answered(how);
    return outcome;
  }

  async #answer(wish: FetchWish): Promise<SharedAnswer> {
    const keys = this.options.keys();
    const shared = keys && (await this.#shared(wish, this.#shelved(wish, keys)));
    return shared ?? { outcome: await this.#askAlone(wish), how: 'alone' };
  }

  /** undefined: nothing can be shared. */
  async #shared(wish: FetchWish, set: ShelvedSet): Promise<SharedAnswer | undefined> {
    try {
      return await new SharedFetch(wish, set, this.options).answer();
    } catch (error) {
      if (error instanceof ChannelUnavailable) return undefined;
      throw error;
    }
  }

  async #askAlone({ address, redirectsTo, flush }: FetchWish): Promise<FetchOutcome> {
    const { source, nowMs } = this.options;
    const fetchedAtMs = nowMs();
    const outcome = await source.fetch(address, redirectsTo);
    return outcome.ok ? { ...outcome, fetchedAtMs, flush } : outcome;
  }

  #shelved({ address, redirectsTo }: FetchWish, keys: ChannelKeys): ShelvedSet {
    const { shelf, allowPrivateHosts, journal } = this.options;
    const reach = `${redirectsTo} ${allowPrivateHosts ? 'private' : 'public'}`;
    const origin = redirectsTo === 'any-host' ? 'policy' : 'variable';
    return new ShelvedSet(shelf, keys, { origin, reach, address }, (what, entry) =>
      journal.altered(what, entry, address),
    );
  }
}
