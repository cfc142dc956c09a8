/** First and last code point, both included. */
export type CodePointRange = readonly [first: number, last: number];

/** Ranges in ascending order that neither overlap nor touch. */
export type CodePointSet = readonly CodePointRange[];

const LAST_CODE_POINT = 0x10ffff;

export function setOf(ranges: readonly CodePointRange[]): CodePointSet {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort(([one], [other]) => one - other)) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

export function everythingBut(set: CodePointSet): CodePointSet {
  const gaps: CodePointRange[] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) gaps.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) gaps.push([next, LAST_CODE_POINT]);
  return gaps;
}

const CASE_DISTANCE = 0x20;
const UPPER_CASE: CodePointRange = [0x41, 0x5a];
const LOWER_CASE: CodePointRange = [0x61, 0x7a];

const sharedPart = (set: CodePointSet, [from, to]: CodePointRange): CodePointRange[] =>
  set.flatMap(([first, last]): CodePointRange[] =>
    first <= to && last >= from ? [[Math.max(first, from), Math.min(last, to)]] : [],
  );

/** With the other case of every ASCII letter in it; Java folds no others unless asked to. */
export function inBothCases(set: CodePointSet): CodePointSet {
  const moved = (distance: number, ranges: readonly CodePointRange[]) =>
    ranges.map(([first, last]): CodePointRange => [first + distance, last + distance]);
  return setOf([
    ...set,
    ...moved(CASE_DISTANCE, sharedPart(set, UPPER_CASE)),
    ...moved(-CASE_DISTANCE, sharedPart(set, LOWER_CASE)),
  ]);
}

export const ANY = setOf([[0, LAST_CODE_POINT]]);
/** What `.` is without the flag `s`: Java's line terminators are left out. */
export const WITHIN_A_LINE = everythingBut(
  setOf([
    [0x0a, 0x0a],
    [0x0d, 0x0d],
    [0x85, 0x85],
    [0x2028, 0x2029],
  ]),
);
export const DIGITS = setOf([[0x30, 0x39]]);
export const WORD = setOf([[0x30, 0x39], UPPER_CASE, [0x5f, 0x5f], LOWER_CASE]);
export const SPACES = setOf([
  [0x09, 0x0d],
  [0x20, 0x20],
]);
