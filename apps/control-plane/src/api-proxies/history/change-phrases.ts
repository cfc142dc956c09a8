const LONGEST_SHOWN = 80;

interface Element {
  readonly value?: unknown;
  readonly ref?: string;
}

const isElement = (value: unknown): value is Element =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).length > 0 &&
  Object.keys(value).every((name) => name === 'value' || name === 'ref');

/** `a`, `variable x`, or both: the text is what counts where the variable has nothing. */
function shownElement({ value, ref }: Element): string | undefined {
  const text = value === undefined ? undefined : shown(Array.isArray(value) ? value.join(', ') : value);
  if (ref === undefined) return text;
  const variable = `variable ${ref}`;
  return text === undefined ? variable : `${variable}, or ${text}`;
}

/** A value short enough for a sentence. */
function shown(value: unknown): string | undefined {
  if (isElement(value)) return shownElement(value);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  const text = String(value);
  return text === '' || text.length > LONGEST_SHOWN || text.includes('\n') ? undefined : text;
}

/** Elements that are comma lists in one text (`verify-jwt.md` 3.3). */
const COMMA_LISTS = new Set(['audience.value', 'audience']);

/** The words of a list; undefined when it is none, or some are too long for a sentence. */
export function wordsOf(value: unknown, member: string): string[] | undefined {
  if (COMMA_LISTS.has(member) && typeof value === 'string') return value.split(',').map((word) => word.trim());
  if (!Array.isArray(value)) return undefined;
  const words = value.map(shown);
  return words.every((word) => word !== undefined) ? words : undefined;
}

/** What came and what went between two lists of words. */
export function listPhrase(label: string, from: readonly string[], to: readonly string[]): string {
  const added = to.filter((word) => !from.includes(word));
  const removed = from.filter((word) => !to.includes(word));
  if (added.length === 0 && removed.length === 0) return `${label}: other order`;
  if (added.length === 1 && removed.length === 1) return `${label} ${removed[0]} → ${added[0]}`;
  const phrases = [...removed.map((word) => `\`${word}\` removed`), ...added.map((word) => `\`${word}\` added`)];
  return `${label} ${phrases.join(', ')}`;
}

const isNothing = (value: unknown): boolean => value === null || value === '';

/** What became of one value; a text that is too long for a sentence is only said to have changed. */
export function valuePhrase(label: string, from: unknown, to: unknown, unit = ''): string {
  if (typeof to === 'boolean' && typeof from !== 'string') return `${label} switched ${to ? 'on' : 'off'}`;
  const [before, after] = [shown(from), shown(to)];
  if (before !== undefined && after !== undefined) return `${label} ${before}${unit} → ${after}${unit}`;
  if (isNothing(to)) return removedPhrase(label, from, before === undefined ? '' : `, was ${before}${unit}`);
  if (isNothing(from)) return after === undefined ? `${label} added` : `${label} set to ${after}${unit}`;
  return `${label} changed`;
}

const removedPhrase = (label: string, from: unknown, was: string): string =>
  isNothing(from) ? `${label} left empty` : `${label} removed${was}`;
