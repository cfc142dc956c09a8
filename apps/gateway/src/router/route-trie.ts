import type { RouteEntry } from './route-entry.ts';

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  entry: RouteEntry | undefined;
}

const emptyNode = (): TrieNode => ({ children: new Map(), entry: undefined });
const isBare = ({ children, entry }: TrieNode): boolean => children.size === 0 && entry === undefined;
const segmentsOf = (prefix: string): readonly string[] => prefix.split('/').slice(1);

/**
 * Base paths of one host by segment: a lookup, and a change, walk the segments of one path, however many proxies there
 * are. Prefixes are normalised and do not end in a slash; `''` for the root.
 */
export class RouteTrie {
  readonly #root = emptyNode();

  get isEmpty(): boolean {
    return isBare(this.#root);
  }

  /** Puts an entry in the place of the one that is there, if any. */
  put(prefix: string, entry: RouteEntry): void {
    let node = this.#root;
    for (const segment of segmentsOf(prefix)) {
      let next = node.children.get(segment);
      if (next === undefined) {
        next = emptyNode();
        node.children.set(segment, next);
      }
      node = next;
    }
    node.entry = entry;
  }

  /** Takes an entry away, and what led to nothing but it. */
  remove(prefix: string): void {
    const segments = segmentsOf(prefix);
    const trail = [this.#root];
    for (const segment of segments) {
      const next = trail.at(-1)?.children.get(segment);
      if (next === undefined) return;
      trail.push(next);
    }
    for (let depth = segments.length; depth >= 0; depth -= 1) {
      const node = trail[depth];
      if (node === undefined) return;
      if (depth === segments.length) node.entry = undefined;
      if (!isBare(node)) return;
      trail[depth - 1]?.children.delete(segments[depth - 1] ?? '');
    }
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
