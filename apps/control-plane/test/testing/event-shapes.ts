/** Members by path, `[]` for items of lists and `*` for members that are named by ids; a `?` where they may be left out. */
export type Shape = Readonly<Record<string, string>>;

/** What has a form of its own: policies and strategies have contracts with versions, keys are RFC 7517. */
const OPAQUE = new Set(['policy', 'strategy', 'publicJwk']);
/** Records whose members are named by ids. */
const BY_ID = new Set(['values']);

/** Members that programs tell cases apart by: their words are in the shape, so that another word is another shape. */
const WORDS = new Set(['kind', 'scope', 'pipeline', 'expiresInUnit', 'keyType', 'permissions[]']);

const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

function kindOf(value: unknown, path: string): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'string' && WORDS.has(lastName(path)) ? `=${value}` : typeof value;
}

interface Found {
  readonly kinds: Map<string, Set<string>>;
  /** How often a path was there, and how often it could have been. */
  readonly seen: Map<string, number>;
  readonly objects: Map<string, number>;
}

const increase = (counts: Map<string, number>, path: string): void =>
  void counts.set(path, (counts.get(path) ?? 0) + 1);

function look(value: unknown, path: string, found: Found): void {
  found.kinds.set(path, (found.kinds.get(path) ?? new Set()).add(kindOf(value, path)));
  increase(found.seen, path);
  if (typeof value !== 'object' || value === null || OPAQUE.has(lastName(path))) return;
  if (Array.isArray(value)) {
    for (const item of value) look(item, `${path}[]`, found);
    return;
  }
  increase(found.objects, path);
  for (const [name, member] of Object.entries(value)) {
    look(member, BY_ID.has(lastName(path)) ? `${path}.*` : path === '' ? name : `${path}.${name}`, found);
  }
}

const parentOf = (path: string): string => (path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '');

/** What the data of events of one type and version have in common. */
export function shapeOf(samples: readonly unknown[]): Shape {
  const found: Found = { kinds: new Map(), seen: new Map(), objects: new Map() };
  for (const sample of samples) look(sample, '', found);
  const shape: Record<string, string> = {};
  for (const path of [...found.kinds.keys()].filter((one) => one !== '').sort()) {
    const isItem = path.endsWith('[]') || path.endsWith('.*');
    const isOptional = !isItem && (found.seen.get(path) ?? 0) < (found.objects.get(parentOf(path)) ?? 0);
    shape[isOptional ? `${path}?` : path] = [...(found.kinds.get(path) ?? [])].sort().join('|');
  }
  return shape;
}

const kindsIn = (kinds: string | undefined): string[] => kinds?.split('|') ?? [];

/** Members that may be left out, and are left out of all of these although what they belong to is there. */
export function unseenIn(samples: readonly unknown[], shape: Shape): string[] {
  const own = shapeOf(samples);
  const isThere = (path: string): boolean => own[path] !== undefined || own[`${path}?`] !== undefined;
  const optional = Object.keys(shape).flatMap((path) => (path.endsWith('?') ? [path.slice(0, -1)] : []));
  const isObject = (path: string): boolean => path === '' || kindsIn(own[path] ?? own[`${path}?`]).includes('object');
  return optional.filter((path) => isObject(parentOf(path)) && !isThere(path));
}

/** What in an event's data is not as its shape has it, one line each. */
export function misfitsIn(data: unknown, shape: Shape): string[] {
  const own = shapeOf([data]);
  const strange = Object.entries(own).flatMap(([path, kind]) => {
    const allowed = shape[path] ?? shape[`${path}?`];
    if (allowed === undefined) return [`${path} is new`];
    const others = kindsIn(kind).filter((one) => !kindsIn(allowed).includes(one));
    return others.length === 0 ? [] : [`${path} is ${others.join('|')}, it was ${allowed}`];
  });
  const objects = new Set(['', ...Object.keys(own).filter((path) => kindsIn(own[path]).includes('object'))]);
  const missing = Object.keys(shape).filter(
    (path) => !/(\?|\[\]|\.\*)$/.test(path) && objects.has(parentOf(path)) && own[path] === undefined,
  );
  return [...strange, ...missing.map((path) => `${path} is gone`)];
}
