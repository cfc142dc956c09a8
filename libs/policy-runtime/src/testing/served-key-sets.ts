import { jwksSelectorFrom, refusal } from '#libs/jwt-engine';
import type { KeySet, KeySets } from '../linking/link-context.ts';
import type { ServedKeySet } from './scenario.ts';

const FRESH_SECONDS = 300;
const COOLDOWN_SECONDS = 30;

/** Key sets of one address, in memory: the rules of a gateway at their plainest, with a clock that the test drives. */
export class ServedKeySets implements KeySets {
  nowSeconds = 0;
  fetches = 0;
  private readonly served: readonly ServedKeySet[];
  private readonly address: string;
  private known: { readonly set: KeySet; readonly atSecond: number } | undefined;
  private askedAgainAtSecond = -Infinity;

  constructor(address: string, served: readonly ServedKeySet[]) {
    this.address = address;
    this.served = served;
  }

  /** Fetches what a proxy names, as a gateway does when it is served. */
  follow(addresses: readonly string[]): void {
    for (const address of addresses) this.fetch(address);
  }

  current(address: string): KeySet | Promise<KeySet> {
    const { known } = this;
    if (known !== undefined && this.nowSeconds - known.atSecond < FRESH_SECONDS) return known.set;
    return Promise.resolve(this.fetch(address));
  }

  newerFor(address: string): Promise<KeySet> | undefined {
    if (this.nowSeconds - this.askedAgainAtSecond < COOLDOWN_SECONDS) return undefined;
    this.askedAgainAtSecond = this.nowSeconds;
    return Promise.resolve(this.fetch(address));
  }

  private fetch(address: string): KeySet {
    if (address !== this.address) throw new RangeError(`nothing is served at ${address}`);
    this.fetches += 1;
    const answer = this.served.findLast(({ fromSecond }) => fromSecond <= this.nowSeconds);
    const set = answer?.status === 200 ? jwksSelectorFrom(answer.body) : refusal('InvalidKeyConfiguration');
    this.known = { set, atSecond: this.nowSeconds };
    return set;
  }
}
