import { canonicalJson } from '#libs/canonical-json';
import { meaningOf, type PathStep } from './change-meaning.ts';

/** One field that differs; null stands for what is not there. */
export interface Change {
  /** `routingInfo.connectTimeout`, `policyList[issue].policy.jwtSignatureAlgorithm`; items of lists by what names them. */
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
  /** The same in words. */
  readonly meaning: string;
}

type Members = Readonly<Record<string, unknown>>;
type Items = ReadonlyMap<string, unknown>;

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isAbsent = (value: unknown): boolean => value === undefined || value === null;

const member =
  (name: string) =>
  (item: Members): unknown =>
    item[name];

/** What names an item of a list, by the name of the list. */
const NAMES_OF_ITEMS: Readonly<Record<string, (item: Members) => unknown>> = {
  policyList: (item) => (item['policy'] as Members | undefined)?.['name'],
  endpointList: ({ httpMethod, name }) => `${String(httpMethod)} ${String(name)}`,
  routingAddressList: member('address'),
  headerList: member('name'),
  forwardVariables: member('header'),
  claims: member('name'),
};

/** Where a policy stands is said by its own `order`. */
const ORDERED_BY_THEIR_ITEMS = new Set(['policyList']);

/** A list by the names of its items; undefined when they have none, or one name names two. */
function named(list: unknown, listName: string): Items | undefined {
  const nameOf = NAMES_OF_ITEMS[listName];
  if (nameOf === undefined || !Array.isArray(list)) return undefined;
  const items = new Map<string, unknown>();
  for (const item of list as unknown[]) {
    const name = isMembers(item) ? nameOf(item) : undefined;
    if (typeof name !== 'string' || items.has(name)) return undefined;
    items.set(name, item);
  }
  return items;
}

const textOf = (steps: readonly PathStep[]): string =>
  steps.reduce((text, { name, isItem }) => {
    if (isItem) return `${text}[${name}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');

function changed(steps: readonly PathStep[], before: unknown, after: unknown): Change {
  const [from, to] = [before ?? null, after ?? null];
  return { path: textOf(steps), from, to, meaning: meaningOf(steps, from, to) };
}

/** Names in the order of what is there now; what is gone comes last. */
const allNames = (before: Iterable<string>, after: Iterable<string>): Set<string> => new Set([...after, ...before]);

function orderChange(steps: readonly PathStep[], before: Items, after: Items): Change[] {
  if (ORDERED_BY_THEIR_ITEMS.has(steps.at(-1)?.name ?? '')) return [];
  const from = [...before.keys()].filter((name) => after.has(name));
  const to = [...after.keys()].filter((name) => before.has(name));
  return from.join('\n') === to.join('\n') ? [] : [changed(steps, from, to)];
}

function inMembers(steps: readonly PathStep[], before: Members, after: Members): Change[] {
  return [...allNames(Object.keys(before), Object.keys(after))].flatMap((name) =>
    walk([...steps, { name, isItem: false }], before[name], after[name]),
  );
}

function inItems(steps: readonly PathStep[], before: Items, after: Items): Change[] {
  const changes = [...allNames(before.keys(), after.keys())].flatMap((name) =>
    walk([...steps, { name, isItem: true }], before.get(name), after.get(name)),
  );
  return [...changes, ...orderChange(steps, before, after)];
}

/** undefined: not two lists of items with names. */
function inLists(steps: readonly PathStep[], before: unknown, after: unknown): Change[] | undefined {
  const listName = steps.at(-1)?.name ?? '';
  // Beside a list, no list is one without items.
  const [itemsBefore, itemsAfter] = [named(before ?? [], listName), named(after ?? [], listName)];
  if (itemsBefore === undefined || itemsAfter === undefined) return undefined;
  return inItems(steps, itemsBefore, itemsAfter);
}

function walk(steps: readonly PathStep[], before: unknown, after: unknown): Change[] {
  if (before === after || (isAbsent(before) && isAbsent(after))) return [];
  if (isMembers(before) && isMembers(after)) return inMembers(steps, before, after);
  const inItsItems = inLists(steps, before, after);
  if (inItsItems !== undefined) return inItsItems;
  return canonicalJson(before) === canonicalJson(after) ? [] : [changed(steps, before, after)];
}

/** What differs between two documents, field by field; empty when they say the same. */
export const changesBetween = (before: object, after: object): Change[] => walk([], before, after);
