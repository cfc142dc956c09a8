export type TextTest = (text: string) => boolean;

/** A regular expression sees no longer text; a longer one does not match. */
export const MAX_REGEX_SUBJECT_LENGTH = 1_024;
export const MAX_REGEX_LENGTH = 256;

type GlobPart = { readonly literal: string } | 'anyRun';

function globParts(pattern: string): GlobPart[] {
  const parts: GlobPart[] = [];
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern[index] ?? '';
    if (character === '*') parts.push('anyRun');
    else if (character === '%' && index + 1 < pattern.length) {
      index += 1;
      parts.push({ literal: pattern[index] ?? '' });
    } else parts.push({ literal: character });
  }
  return parts;
}

/** Walks both sequences once, going back only to the last wildcard: at most length times length steps. */
function matchSequence<Part, Item>(
  parts: readonly Part[],
  items: ArrayLike<Item>,
  fits: (part: Part, item: Item) => boolean | 'anyRun',
): boolean {
  let part = 0;
  let item = 0;
  let resumePart = -1;
  let resumeItem = 0;
  while (item < items.length) {
    const current = parts[part];
    const verdict = current === undefined ? false : fits(current, items[item] as Item);
    if (verdict === 'anyRun') {
      resumePart = part += 1;
      resumeItem = item;
    } else if (verdict) {
      part += 1;
      item += 1;
    } else if (resumePart < 0) return false;
    else {
      part = resumePart;
      item = resumeItem += 1;
    }
  }
  return parts.slice(part).every((rest) => fits(rest, undefined as Item) === 'anyRun');
}

/** `~`: `*` is any run of characters, `%` takes the next character as it is. */
export function compileGlob(pattern: string): TextTest {
  const parts = globParts(pattern);
  return (text) =>
    matchSequence(parts, text, (part, character) => (part === 'anyRun' ? part : part.literal === character));
}

/** `~/`: `*` and `{x}` are one segment, `**` any number of them; a `*` inside a segment is any run within it. */
export function compilePathGlob(pattern: string): TextTest {
  const parts = pattern.split('/').map((segment): TextTest | 'anyRun' => {
    if (segment === '**') return 'anyRun';
    if (segment === '*' || /^\{[^{}]*\}$/.test(segment)) return (text) => text !== '';
    return compileGlob(segment);
  });
  return (text) =>
    matchSequence(parts, text.split('/'), (part, segment: string | undefined) => {
      if (part === 'anyRun') return part;
      return segment !== undefined && part(segment);
    });
}

/** What matters of an expression for its running time: groups and what repeats. Escapes and classes are passed over. */
const REGEX_PART = /\\.|\[(?:\\.|[^\]\\])*\]|\(|\)(?:[*+]|\{\d*,?\d*\})?|[*+]|\{\d*,\d*\}/gs;

/** Inside a repeated group another repetition: the shape whose matching takes exponential time. */
function hasNestedRepetition(pattern: string): boolean {
  const groups: boolean[] = [false];
  for (const [part] of pattern.matchAll(REGEX_PART)) {
    if (part === '(') groups.push(false);
    else if (part.startsWith(')')) {
      const repeatsInside = groups.pop() ?? false;
      const isRepeated = part.length > 1;
      if (repeatsInside && isRepeated) return true;
      if (repeatsInside || isRepeated) groups[groups.length - 1] = true;
    } else if (/^[*+{]/.test(part)) groups[groups.length - 1] = true;
  }
  return false;
}

/** JavaScript's strict mode refuses needless escapes that Java takes: `\@`, `\-`. */
const withoutNeedlessEscapes = (pattern: string): string =>
  pattern.replace(/\\([^A-Za-z0-9])/g, (escape, character: string) => {
    if (/[\^$\\.*+?()[\]{}|/]/.test(character)) return escape;
    return character === '-' ? '\\x2d' : character;
  });

/**
 * `~~`: the whole value must match. The expression is a configuration's, the value a caller's, so nothing that could
 * keep a gateway busy is taken: at most 256 characters, no repetition inside a repetition; values above 1,024 characters
 * do not match. Answers the reason when the expression is refused.
 */
export function compileRegex(pattern: string): TextTest | string {
  if (pattern.length > MAX_REGEX_LENGTH) return `the expression is longer than ${MAX_REGEX_LENGTH} characters`;
  if (hasNestedRepetition(pattern)) return 'the expression repeats a group that itself repeats';
  const [, flags = '', rest = pattern] = /^\(\?([is]+)\)(.*)$/s.exec(pattern) ?? [];
  try {
    const expression = new RegExp(`^(?:${withoutNeedlessEscapes(rest)})$`, `u${[...new Set(flags)].join('')}`);
    return (text) => text.length <= MAX_REGEX_SUBJECT_LENGTH && expression.test(text);
  } catch {
    return 'the expression is not valid';
  }
}
