/** One hop of `Forwarded` (RFC 7239 section 4): who asked whom, and how. */
export interface ForwardedHop {
  /** An address, perhaps with a port, or an obfuscated name, as it stands there. */
  readonly for: string | undefined;
  readonly host: string | undefined;
  readonly proto: string | undefined;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** RFC 9110 section 5.6.4. */
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
const PAIR = new RegExp(`[ \\t]*(?:(${TOKEN})=(${TOKEN}|${QUOTED})[ \\t]*)?([;,]|$)`, 'y');

const unquoted = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;

const hopOf = (pairs: ReadonlyMap<string, string>): ForwardedHop => ({
  for: pairs.get('for'),
  host: pairs.get('host'),
  proto: pairs.get('proto'),
});

/** The hops in their order, the client first; undefined: this is no `Forwarded`, and nothing of it counts. */
export function forwardedHops(value: string): readonly ForwardedHop[] | undefined {
  const hops: ForwardedHop[] = [];
  let pairs = new Map<string, string>();
  for (let at = 0; at <= value.length;) {
    PAIR.lastIndex = at;
    const found = PAIR.exec(value);
    if (found === null) return undefined;
    const [whole, name = '', text = '', mark = ''] = found;
    // Each parameter once in a hop (section 4).
    if (name !== '' && pairs.has(name.toLowerCase())) return undefined;
    if (name !== '') pairs.set(name.toLowerCase(), unquoted(text));
    if (mark !== ';') {
      if (pairs.size > 0) hops.push(hopOf(pairs));
      pairs = new Map();
    }
    if (mark === '') return hops;
    at += whole.length;
  }
  return hops;
}

const IS_TOKEN = new RegExp(`^${TOKEN}$`);
const written = (value: string): string =>
  IS_TOKEN.test(value) ? value : `"${value.replace(/[\\"]/g, (character) => `\\${character}`)}"`;

/** The hop that ends here, as text. An IPv6 address stands in brackets (section 6). */
export function ownHop(peerAddress: string, host: string, scheme: string): string {
  const node = peerAddress.includes(':') ? `[${peerAddress}]` : peerAddress;
  const hostPair = host === '' ? '' : `;host=${written(host)}`;
  return `for=${written(node)}${hostPair};proto=${scheme}`;
}
