import { refusal, type KeySelector } from '#libs/jwt-engine';
import { lastFlushOf, NO_KEY_SET_ORDERS, type KeySetOrders } from '#libs/policy-contracts';

/** What the standing orders say of one set. */
export interface SetOrders {
  /** Number of its last flush; 0: there was none. */
  readonly flush: number;
  /** Key ids that are not taken, whatever the set says. */
  readonly denied: ReadonlySet<string>;
}

export type DeniedKey = KeySetOrders['denied'][number];

const NONE: ReadonlySet<string> = new Set();
const NO_MATCHING_KEY = refusal('NoMatchingPublicKey');

type KeyIdsBy = Map<string, Set<string>>;

function note(keyIds: KeyIdsBy, place: string, kid: string): void {
  const known = keyIds.get(place);
  if (known === undefined) keyIds.set(place, new Set([kid]));
  else known.add(kid);
}

/** Of whatever port, and without the dot of the root. */
const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).hostname.replace(/\.$/, '') : '');

/** The standing orders as they are obeyed, by address. */
export class ObeyedOrders {
  readonly #denied: KeyIdsBy = new Map();
  readonly #deniedAtHost: KeyIdsBy = new Map();

  constructor(private readonly orders: KeySetOrders = NO_KEY_SET_ORDERS) {
    for (const { uri, kid } of orders.denied) {
      note(this.#denied, uri, kid);
      note(this.#deniedAtHost, hostOf(uri), kid);
    }
  }

  /** Of a set that a policy names. */
  of(address: string): SetOrders {
    return { flush: lastFlushOf(this.orders, address), denied: this.#denied.get(address) ?? NONE };
  }

  /**
   * Of a set whose address only a variable says. The caller may have put it there, and one document has many addresses (a query,
   * an escape, a port): what is denied anywhere at its host is denied there.
   */
  ofVariable(address: string): SetOrders {
    return { ...this.of(address), denied: this.#deniedAtHost.get(hostOf(address)) ?? NONE };
  }

  /** What is denied here and was not before. */
  deniedSince(before: ObeyedOrders): readonly DeniedKey[] {
    return this.orders.denied.filter(({ uri, kid }) => !before.of(uri).denied.has(kid));
  }
}

/** The keys of a set without those that are denied. The same selector when none is, so that it costs no request anything. */
export function withoutDenied(
  keys: KeySelector<unknown>,
  denied: SetOrders['denied'],
  onDenied: () => void,
): KeySelector<unknown> {
  if (denied.size === 0) return keys;
  return (header, algorithm, context) => {
    const { kid } = header;
    if (typeof kid !== 'string' || !denied.has(kid)) return keys(header, algorithm, context);
    onDenied();
    return NO_MATCHING_KEY;
  };
}
