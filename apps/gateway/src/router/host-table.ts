import type { RoutePlace } from './route-claim.ts';
import type { RouteEntry } from './route-entry.ts';
import { RouteTrie } from './route-trie.ts';

/** Entries by host and base path: exact host before wildcard before any host, then the longest base path. */
export class HostTable {
  readonly #exact = new Map<string, RouteTrie>();
  /** By the name after `*.`. */
  readonly #wildcard = new Map<string, RouteTrie>();
  readonly #any = new RouteTrie();

  get isEmpty(): boolean {
    return this.#any.isEmpty && this.#exact.size + this.#wildcard.size === 0;
  }

  /** @param host name as `hostNameOf` gives it */
  find(host: string, path: string): RouteEntry | undefined {
    return this.#exact.get(host)?.longestMatch(path) ?? this.#wildcardMatch(host, path) ?? this.#any.longestMatch(path);
  }

  put({ host, prefix }: RoutePlace, entry: RouteEntry): void {
    if (host === '') return this.#any.put(prefix, entry);
    const [tries, name] = this.#triesFor(host);
    let trie = tries.get(name);
    if (trie === undefined) {
      trie = new RouteTrie();
      tries.set(name, trie);
    }
    trie.put(prefix, entry);
  }

  remove({ host, prefix }: RoutePlace): void {
    if (host === '') return this.#any.remove(prefix);
    const [tries, name] = this.#triesFor(host);
    const trie = tries.get(name);
    trie?.remove(prefix);
    if (trie?.isEmpty === true) tries.delete(name);
  }

  #triesFor(host: string): readonly [Map<string, RouteTrie>, string] {
    return host.startsWith('*.') ? [this.#wildcard, host.slice(2)] : [this.#exact, host];
  }

  /** The longest wildcard goes first: `*.a.example.org` before `*.example.org`. */
  #wildcardMatch(host: string, path: string): RouteEntry | undefined {
    if (this.#wildcard.size === 0) return undefined;
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const entry = this.#wildcard.get(host.slice(dot + 1))?.longestMatch(path);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}
