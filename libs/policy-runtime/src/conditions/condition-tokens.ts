/** What a word or a symbol between two operands asks for. */
export type ComparisonName =
  | 'equals'
  | 'notEquals'
  | 'equalsIgnoringCase'
  | 'greater'
  | 'greaterOrEqual'
  | 'less'
  | 'lessOrEqual'
  | 'matches'
  | 'matchesPath'
  | 'matchesRegex'
  | 'startsWith';

export type Operator = ComparisonName | 'and' | 'or' | 'not';

export type Token = { readonly position: number } & (
  | { readonly kind: 'open' | 'close' | 'end' }
  | { readonly kind: 'text' | 'quotedName' | 'word'; readonly text: string }
  | { readonly kind: 'symbol'; readonly operator: Operator }
);

/** A condition that cannot be read; thrown inside this folder only, answered as a value. */
export class ConditionSyntaxError extends Error {
  readonly code = 'CONDITION_SYNTAX';
  constructor(
    message: string,
    readonly position: number,
  ) {
    super(message);
    this.name = 'ConditionSyntaxError';
  }
}

/** Longer symbols first: `==` before `=`. */
const SYMBOLS: readonly (readonly [string, Operator])[] = [
  ['&&', 'and'],
  ['||', 'or'],
  ['!=', 'notEquals'],
  ['==', 'equals'],
  [':=', 'equalsIgnoringCase'],
  ['>=', 'greaterOrEqual'],
  ['<=', 'lessOrEqual'],
  ['=|', 'startsWith'],
  ['~~', 'matchesRegex'],
  ['~/', 'matchesPath'],
  ['~', 'matches'],
  ['=', 'equals'],
  ['>', 'greater'],
  ['<', 'less'],
  ['!', 'not'],
];

/** Operators in words, by lower-case spelling (`verify-jwt.md` part 10). */
export const WORD_OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['and', 'and'],
  ['or', 'or'],
  ['not', 'not'],
  ['equals', 'equals'],
  ['is', 'equals'],
  ['notequals', 'notEquals'],
  ['isnot', 'notEquals'],
  ['equalscaseinsensitive', 'equalsIgnoringCase'],
  ['greaterthan', 'greater'],
  ['greaterthanorequals', 'greaterOrEqual'],
  ['lesserthan', 'less'],
  ['lesserthanorequals', 'lessOrEqual'],
  ['matches', 'matches'],
  ['like', 'matches'],
  ['matchespath', 'matchesPath'],
  ['likepath', 'matchesPath'],
  ['javaregex', 'matchesRegex'],
  ['startswith', 'startsWith'],
]);

const BLANK = /\s/;
/** A word ends at a blank, a parenthesis, a quote or an operator character; a colon only ends it before `=`. */
const WORD = /(?:[^\s()"'=!<>&|~:]|:(?!=))+/y;

function symbolAt(text: string, position: number): { readonly token: Token; readonly end: number } {
  const found = SYMBOLS.find(([symbol]) => text.startsWith(symbol, position));
  if (found === undefined) throw new ConditionSyntaxError('unknown operator', position);
  const [symbol, operator] = found;
  return { token: { kind: 'symbol', operator, position }, end: position + symbol.length };
}

function quotedAt(text: string, position: number): { readonly token: Token; readonly end: number } {
  const quote = text[position];
  const end = text.indexOf(quote ?? '"', position + 1);
  if (end < 0) throw new ConditionSyntaxError('a quote is not closed', position);
  const kind = quote === '"' ? 'text' : 'quotedName';
  return { token: { kind, text: text.slice(position + 1, end), position }, end: end + 1 };
}

/** Reads the token that starts at or after `from`, and where the next begins. */
function nextToken(text: string, from: number): { readonly token: Token; readonly end: number } {
  let position = from;
  while (position < text.length && BLANK.test(text[position] ?? '')) position += 1;
  const character = text[position];
  if (character === undefined) return { token: { kind: 'end', position }, end: position };
  if (character === '(') return { token: { kind: 'open', position }, end: position + 1 };
  if (character === ')') return { token: { kind: 'close', position }, end: position + 1 };
  if (character === '"' || character === "'") return quotedAt(text, position);
  WORD.lastIndex = position;
  const word = WORD.exec(text)?.[0];
  if (word !== undefined) return { token: { kind: 'word', text: word, position }, end: position + word.length };
  return symbolAt(text, position);
}

/** All tokens, the last of kind `end`. @throws ConditionSyntaxError */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let position = 0; ;) {
    const { token, end } = nextToken(text, position);
    tokens.push(token);
    if (token.kind === 'end') return tokens;
    position = end;
  }
}
