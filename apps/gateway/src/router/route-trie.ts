import type { LinkedProxy } from '#libs/policy-runtime';
import type { HeaderRules } from './header-rules.ts';

/** Which proxy takes which method. */
export interface MethodTable {
  anyMethod: LinkedProxy | undefined;
  readonly byMethod: Map<string, LinkedProxy>;
}

/** Routes that want the same headers. */
export interface HeaderRoutes extends MethodTable {
  readonly rules: HeaderRules;
}

/** What one base path of one host leads to. */
export interface RouteEntry extends MethodTable {
  /** Base path of the proxy as matched, without the root context; `''` for `/`. */
  readonly basePath: string;
  /** Characters of the path up to the end of the base path, root context included. */
  readonly prefixLength: number;
  /** Those that want headers, in the order in which they are tried; undefined: none does. */
  byHeaders: HeaderRoutes[] | undefined;
  /** Names of the headers that they want; undefined: none. */
  variesBy: readonly string[] | undefined;
}

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  entry: RouteEntry | undefined;
}

const emptyNode = (): TrieNode => ({ children: new Map(), entry: undefined });

/** Base paths of one host by segment: a lookup walks the segments of the path, however many proxies there are. */
export class RouteTrie {
  readonly #root = emptyNode();

  /** The entry of a base path, made when it is new. Both parts are normalised and do not end in a slash. */
  entryOf(rootContext: string, basePath: string): RouteEntry {
    const prefix = rootContext + basePath;
    let node = this.#root;
    for (const segment of prefix.split('/').slice(1)) {
      let next = node.children.get(segment);
      if (next === undefined) {
        next = emptyNode();
        node.children.set(segment, next);
      }
      node = next;
    }
    const nothing = {
      anyMethod: undefined,
      byMethod: new Map<string, LinkedProxy>(),
      byHeaders: undefined,
      variesBy: undefined,
    };
    node.entry ??= { basePath, prefixLength: prefix.length, ...nothing };
    return node.entry;
  }

  /** The entry with the longest base path that `path` starts with, on a segment boundary. */
  longestMatch(path: string): RouteEntry | undefined {
    let node = this.#root;
    let found = node.entry;
    for (let slash = 0; slash !== -1;) {
      const nextSlash = path.indexOf('/', slash + 1);
      const segment = nextSlash === -1 ? path.slice(slash + 1) : path.slice(slash + 1, nextSlash);
      const next = node.children.get(segment);
      if (next === undefined) break;
      node = next;
      found = node.entry ?? found;
      slash = nextSlash;
    }
    return found;
  }
}
