type PrintPart = (date: Date) => string;

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];
const SHORT_NAME_LETTERS = 3;
const DAY_MS = 86_400_000;

const number =
  (valueOf: (date: Date) => number) =>
  (letters: number): PrintPart =>
  (date) =>
    String(valueOf(date)).padStart(letters, '0');

const name =
  (names: readonly string[], indexOf: (date: Date) => number) =>
  (letters: number): PrintPart =>
  (date) =>
    (names[indexOf(date)] ?? '').slice(0, letters > SHORT_NAME_LETTERS ? undefined : SHORT_NAME_LETTERS);

const hour = (date: Date): number => date.getUTCHours();
const month = (date: Date): number => date.getUTCMonth();
const dayOfYear = (date: Date): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
const year =
  (letters: number): PrintPart =>
  (date) =>
    letters === 2
      ? String(date.getUTCFullYear() % 100).padStart(2, '0')
      : String(date.getUTCFullYear()).padStart(letters, '0');

/** By letter of Java's SimpleDateFormat: how a run of so many of it prints, in UTC. To add one is to add a line. */
const BY_LETTER: ReadonlyMap<string, (letters: number) => PrintPart> = new Map<string, (letters: number) => PrintPart>([
  ['y', year],
  ['M', (letters) => (letters < SHORT_NAME_LETTERS ? number((date) => month(date) + 1) : name(MONTHS, month))(letters)],
  ['d', number((date) => date.getUTCDate())],
  ['D', number(dayOfYear)],
  ['E', name(DAYS, (date) => date.getUTCDay())],
  ['u', number((date) => date.getUTCDay() || 7)],
  ['a', () => (date) => (hour(date) < 12 ? 'AM' : 'PM')],
  ['H', number(hour)],
  ['k', number((date) => hour(date) || 24)],
  ['K', number((date) => hour(date) % 12)],
  ['h', number((date) => hour(date) % 12 || 12)],
  ['m', number((date) => date.getUTCMinutes())],
  ['s', number((date) => date.getUTCSeconds())],
  ['S', number((date) => date.getUTCMilliseconds())],
  ['z', (letters) => () => (letters > SHORT_NAME_LETTERS ? 'Coordinated Universal Time' : 'UTC')],
  ['Z', () => () => '+0000'],
  ['X', () => () => 'Z'],
]);

/** A run of one letter, a text in quotes (two quotes are one), or anything else. */
const PART = /([A-Za-z])\1*|'((?:[^']|'')*)'|[^A-Za-z']+/y;

function partOf([text, letter, quoted]: RegExpExecArray): PrintPart | undefined {
  if (letter !== undefined) return BY_LETTER.get(letter)?.(text.length);
  const literal = quoted === undefined ? text : quoted === '' ? "'" : quoted.replaceAll("''", "'");
  return () => literal;
}

/** Compiles a pattern of Java's SimpleDateFormat, always in UTC; undefined when it has a letter that is not known here. */
export function compileDatePattern(pattern: string): PrintPart | undefined {
  const parts: PrintPart[] = [];
  for (let at = 0; at < pattern.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const found = PART.exec(pattern);
    const part = found === null ? undefined : partOf(found);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return (date) => parts.map((print) => print(date)).join('');
}
