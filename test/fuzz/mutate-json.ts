import { type SeededRandom } from '../chaos/seeded-random.ts';

/** JSON that can be written in any way: a member twice, a number that JavaScript would round. */
type Tree =
  | { readonly kind: 'raw'; text: string }
  | { readonly kind: 'list'; readonly items: Tree[] }
  | { readonly kind: 'members'; readonly members: [name: string, value: Tree][] };

/** What one kind of document is spoilt with, beside what any is. */
export interface JsonPieces {
  /** Members, known and unknown. */
  readonly names: readonly string[];
  /** Values, as JSON. */
  readonly values: readonly string[];
}

const ODD_VALUES: readonly string[] = [
  ...['null', 'true', 'false', '0', '-0', '-1', '1', '1.5', '1e3', '1e400', '9007199254740993', '1e-400', '2147483648'],
  ...['""', '" "', '"a"', '"5"', '"true"', '"null"', '"\\u0000"', '"\\ud800"', '"\\r\\nX: y"', '"\\u2028"', '"]]>"'],
  ...['"__proto__"', '"{a}"', '"${a}"', '"%s"', '"../../etc"', '"\ufeff"', '"e\u0301"', '"\ud83d\ude00"'],
  ...['[]', '{}', '[null]', '[[]]', '{"a":1}', '{"__proto__":{"a":1}}', '{"length":1}', '{"toString":null}'],
];
const ODD_NAMES: readonly string[] = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', '', ' ', '0', 'a.b', 'a[0]'],
  ...['\n', '\u0000', '\u202e', 'e\u0301', '\ud83d\ude00', 'name', 'type'],
];
/** Around and beyond the limit of the control plane. */
const DEPTHS = [2, 16, 62, 64, 65, 500, 20_000];
const LARGE = [300, 5_000, 70_000];
const RARELY = 40;

const treeOf = (value: unknown): Tree => {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(treeOf) };
  if (typeof value !== 'object' || value === null) return { kind: 'raw', text: JSON.stringify(value) };
  return { kind: 'members', members: Object.entries(value).map(([name, member]) => [name, treeOf(member)]) };
};

const textOf = (tree: Tree): string => {
  if (tree.kind === 'raw') return tree.text;
  if (tree.kind === 'list') return `[${tree.items.map(textOf).join(',')}]`;
  return `{${tree.members.map(([name, value]) => `${JSON.stringify(name)}:${textOf(value)}`).join(',')}}`;
};

const raw = (text: string): Tree => ({ kind: 'raw', text });
const isRare = (random: SeededRandom): boolean => random.between(1, RARELY) === 1;

/** Every place that can be replaced. */
function placesIn(tree: Tree, replace: (by: Tree) => void, into: Place[]): Place[] {
  into.push({ tree, replace });
  if (tree.kind === 'list') tree.items.forEach((item, at) => placesIn(item, (by) => void (tree.items[at] = by), into));
  if (tree.kind === 'members')
    tree.members.forEach((member) => placesIn(member[1], (by) => void (member[1] = by), into));
  return into;
}

interface Place {
  readonly tree: Tree;
  readonly replace: (by: Tree) => void;
}

function largeValue(random: SeededRandom): string {
  const count = random.pick(LARGE);
  return random.pick([
    () => `"${'a'.repeat(count)}"`,
    () => `[${'0,'.repeat(count)}0]`,
    () => `{${Array.from({ length: count >> 3 }, (_, at) => `"m${at}":0`).join(',')}}`,
    () => `"${'{a}'.repeat(count >> 2)}"`,
    () => `"${'('.repeat(count)}"`,
    () => '9'.repeat(count),
  ])();
}

function deepValue(random: SeededRandom): string {
  const depth = random.pick(DEPTHS);
  const [open, close] = random.pick([['[', ']'] as const, ['{"a":', '}'] as const]);
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}

function oddValue(random: SeededRandom, { values }: JsonPieces): Tree {
  if (isRare(random)) return raw(random.pick([largeValue, deepValue])(random));
  return raw(random.pick(random.between(0, 1) === 0 ? ODD_VALUES : values));
}

function oddName(random: SeededRandom, { names }: JsonPieces): string {
  if (isRare(random)) return 'n'.repeat(random.pick(LARGE));
  return random.pick(random.between(0, 2) === 0 ? ODD_NAMES : names);
}

/** A text where a number was and the other way round, a list where one value was and the other way round. */
function asAnother(tree: Tree): Tree {
  if (tree.kind === 'list') return tree.items[0] ?? raw('null');
  if (tree.kind === 'members') return { kind: 'list', items: [tree] };
  const isText = tree.text.startsWith('"');
  return raw(isText ? tree.text.slice(1, -1).replaceAll('\\"', '') || '0' : JSON.stringify(tree.text));
}

type Edit = (place: Place, random: SeededRandom, pieces: JsonPieces) => void;

const EDITS: readonly Edit[] = [
  ({ replace }, random, pieces) => replace(oddValue(random, pieces)),
  ({ tree, replace }) => replace(asAnother(tree)),
  ({ tree, replace }) => replace({ kind: 'list', items: [tree, tree] }),
  ({ tree }, random, pieces) => {
    if (tree.kind === 'members') tree.members.push([oddName(random, pieces), oddValue(random, pieces)]);
    if (tree.kind === 'list') tree.items.push(oddValue(random, pieces));
  },
  ({ tree }, random) => {
    if (tree.kind === 'members') tree.members.splice(random.between(0, tree.members.length), 1);
    if (tree.kind === 'list') tree.items.splice(random.between(0, tree.items.length), 1);
  },
  ({ tree }, random, pieces) => {
    const member = tree.kind === 'members' && tree.members.length > 0 ? random.pick(tree.members) : undefined;
    if (member !== undefined) member[0] = oddName(random, pieces);
  },
  ({ tree }, random, pieces) => {
    const member = tree.kind === 'members' && tree.members.length > 0 ? random.pick(tree.members) : undefined;
    if (member !== undefined && tree.kind === 'members') tree.members.push([member[0], oddValue(random, pieces)]);
  },
];

/** A document edited in one to three places, as text: types, members too many, missing, twice, renamed, huge or deep. */
export function mutateJson(document: unknown, random: SeededRandom, pieces: JsonPieces): string {
  let root = treeOf(document);
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left -= 1) {
    const places = placesIn(root, (by) => void (root = by), []);
    // Mostly something inside: a whole document replaced says little.
    const place = random.pick(places.length > 1 && !isRare(random) ? places.slice(1) : places);
    const inner = random.between(0, 2) === 0 ? place : random.pick(places);
    random.pick(EDITS)(inner === places[0] && !isRare(random) && places.length > 1 ? place : inner, random, pieces);
  }
  return textOf(root);
}
