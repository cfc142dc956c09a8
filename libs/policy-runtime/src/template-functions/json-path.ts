import { areExactlyEqual, exactItems, exactMember, readExactly, type ExactJson } from '../exact-json/exact-json.ts';

/** From each value to the values that one step of a path leads to. */
type PathStep = (value: ExactJson) => readonly ExactJson[];

export interface JsonPath {
  /** Whether it can lead to several values. */
  readonly isPlural: boolean;
  readonly valuesIn: (root: ExactJson) => readonly ExactJson[];
}

const present = (value: ExactJson | undefined): readonly ExactJson[] => (value === undefined ? [] : [value]);
const children = (value: ExactJson): readonly ExactJson[] =>
  typeof value === 'object' && value !== null ? Object.values(value as Readonly<Record<string, ExactJson>>) : [];

const member =
  (name: string): PathStep =>
  (value) =>
    present(exactMember(value, name));

/** A negative index counts from the end. */
const item =
  (index: number): PathStep =>
  (value) =>
    present(exactItems(value)?.at(index));

const descend = (names: string, value: ExactJson): ExactJson | undefined =>
  names
    .split('.')
    .slice(1)
    .reduce<ExactJson | undefined>((found, name) => exactMember(found, name), value);

/** Items of a list of which a member is there, or compares with a value: `?(@.name)`, `?(@.a.b=="x")`, `?(@.n!=1)`. */
function filter(names: string, operator: string | undefined, literal: string | undefined): PathStep {
  const expected = literal === undefined ? undefined : readExactly(literal.replace(/^'([^"\\]*)'$/, '"$1"'));
  const fits = (value: ExactJson): boolean => {
    const found = descend(names, value);
    if (expected === undefined || found === undefined) return found !== undefined;
    return areExactlyEqual(found, expected) === (operator === '==');
  };
  return (value) => (exactItems(value) ?? []).filter(fits);
}

type StepMaker = (found: RegExpExecArray) => { readonly step: PathStep; readonly isPlural: boolean };
const one = (step: PathStep) => ({ step, isPlural: false });
const many = (step: PathStep) => ({ step, isPlural: true });

/** The steps of a path that are known here. To add one is to add a line. */
const STEPS: readonly (readonly [RegExp, StepMaker])[] = [
  [/\.\*|\[\*\]/y, () => many(children)],
  [/\.([^.[\]'"()*\s]+)/y, ([, name = '']) => one(member(name))],
  [/\[(-?\d{1,9})\]/y, ([, index = '']) => one(item(Number(index)))],
  [/\['([^']*)'\]|\["([^"]*)"\]/y, ([, single, double = '']) => one(member(single ?? double))],
  [
    /\[\?\(@((?:\.[^.[\]'"()=!<>\s]+)+)(?: ?(==|!=) ?("[^"\\]*"|'[^'"\\]*'|-?\d+(?:\.\d+)?|true|false|null))?\)\]/y,
    ([, names = '', operator, literal]) => many(filter(names, operator, literal)),
  ],
];

function stepAt(path: string, at: number) {
  for (const [pattern, make] of STEPS) {
    pattern.lastIndex = at;
    const found = pattern.exec(path);
    if (found !== null) return { ...make(found), end: pattern.lastIndex };
  }
  return undefined;
}

/** Compiles a JSONPath of members, items, wildcards and simple filters; undefined for what is not known here. */
export function compileJsonPath(path: string): JsonPath | undefined {
  if (!path.startsWith('$')) return undefined;
  const steps: PathStep[] = [];
  let isPlural = false;
  for (let at = 1; at < path.length;) {
    const found = stepAt(path, at);
    if (found === undefined) return undefined;
    steps.push(found.step);
    isPlural ||= found.isPlural;
    at = found.end;
  }
  return {
    isPlural,
    valuesIn: (root) => steps.reduce<readonly ExactJson[]>((values, step) => values.flatMap(step), [root]),
  };
}
