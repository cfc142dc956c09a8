import type { VariableValue } from '../exchange/variable-source.ts';
import { compileLinearRegex } from '../linear-regex/linear-regex.ts';
import { compileGlob, compilePathGlob, MAX_VARIABLE_PATH_PATTERN_LENGTH, type TextTest } from './condition-patterns.ts';
import {
  ConditionSyntaxError,
  tokensOf,
  WORD_OPERATORS,
  type ComparisonName,
  type Operator,
  type Token,
} from './condition-tokens.ts';
import {
  areEqual,
  areEqualIgnoringCase,
  isTrue,
  onTexts,
  order,
  valueOf,
  type ConditionValue,
} from './condition-values.ts';

export type VariableLookup = (name: string) => VariableValue;

/** A condition ready to be asked, or why it cannot be. `position` counts characters from 0. */
export type ParsedCondition =
  | {
      readonly ok: true;
      readonly evaluate: (lookup: VariableLookup) => boolean;
      /** Every variable it names, once. */
      readonly variables: readonly string[];
      /** What was tolerated. */
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly message: string; readonly position: number };

type Expression = (lookup: VariableLookup) => ConditionValue;
interface Operand {
  readonly evaluate: Expression;
  /** The value, when it is written in the condition. */
  readonly literal?: ConditionValue;
}
type Comparison = (left: ConditionValue, right: ConditionValue) => boolean;

/** Deeper nesting than anybody writes; it keeps the parser's own stack small. */
const MAX_DEPTH = 64;
const NUMBER = /^(-?\d+(?:\.\d+)?)[fFdDlL]?$/;
const LITERAL_WORDS: ReadonlyMap<string, ConditionValue> = new Map<string, ConditionValue>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Everything that compares two values; the patterns are prepared when they are literal. */
const COMPARISONS: Readonly<Record<Exclude<ComparisonName, 'matchesRegex'>, Comparison>> = {
  equals: areEqual,
  notEquals: (left, right) => !areEqual(left, right),
  equalsIgnoringCase: areEqualIgnoringCase,
  greater: (left, right) => order(left, right) > 0,
  greaterOrEqual: (left, right) => order(left, right) >= 0,
  less: (left, right) => order(left, right) < 0,
  lessOrEqual: (left, right) => order(left, right) <= 0,
  matches: onTexts((text, pattern) => compileGlob(pattern)(text)),
  matchesPath: onTexts(
    (text, pattern) => pattern.length <= MAX_VARIABLE_PATH_PATTERN_LENGTH && compilePathGlob(pattern)(text),
  ),
  startsWith: onTexts((text, prefix) => text.startsWith(prefix)),
};

class ConditionParser {
  readonly variables = new Set<string>();
  readonly warnings: string[] = [];
  private readonly tokens: readonly Token[];
  private next = 0;
  private depth = 0;

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  parse(): Expression {
    const expression = this.disjunction().evaluate;
    const rest = this.peek();
    if (rest.kind !== 'end')
      throw new ConditionSyntaxError('an operator is missing or does not belong here', rest.position);
    return expression;
  }

  private peek(): Token {
    const token = this.tokens[this.next] ?? this.tokens.at(-1);
    if (token === undefined) throw new ConditionSyntaxError('the condition is empty', 0);
    return token;
  }

  /** A word is an operator only where an operator can stand. */
  private operatorAhead(): Operator | undefined {
    const token = this.peek();
    if (token.kind === 'symbol') return token.operator;
    return token.kind === 'word' ? WORD_OPERATORS.get(token.text.toLowerCase()) : undefined;
  }

  private disjunction(): Operand {
    const operands = [this.conjunction()];
    for (; this.operatorAhead() === 'or'; operands.push(this.conjunction())) this.next += 1;
    return this.joined(operands, (lookup) => operands.some(({ evaluate }) => isTrue(evaluate(lookup))));
  }

  private conjunction(): Operand {
    const operands = [this.comparison()];
    for (; this.operatorAhead() === 'and'; operands.push(this.comparison())) this.next += 1;
    return this.joined(operands, (lookup) => operands.every(({ evaluate }) => isTrue(evaluate(lookup))));
  }

  private joined(operands: readonly Operand[], evaluate: Expression): Operand {
    const [first] = operands;
    return operands.length === 1 && first !== undefined ? first : { evaluate };
  }

  private comparison(): Operand {
    const left = this.negation();
    const operator = this.operatorAhead();
    if (operator === undefined || operator === 'and' || operator === 'or' || operator === 'not') return left;
    this.next += 1;
    const { position } = this.peek();
    if (this.operatorAhead() === 'not') this.warnings.push(notAfterOperator(position));
    const right = this.negation();
    const test = comparisonOf(operator, right, position);
    return { evaluate: (lookup) => test(left.evaluate(lookup), right.evaluate(lookup)) };
  }

  private negation(): Operand {
    if (this.operatorAhead() !== 'not') return this.operand();
    this.next += 1;
    const { evaluate } = this.nested(() => this.negation());
    return { evaluate: (lookup) => !isTrue(evaluate(lookup)) };
  }

  private nested(parse: () => Operand): Operand {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new ConditionSyntaxError('the condition nests too deep', this.peek().position);
    const operand = parse();
    this.depth -= 1;
    return operand;
  }

  private operand(): Operand {
    const token = this.peek();
    this.next += 1;
    switch (token.kind) {
      case 'open':
        return this.group();
      case 'text':
        return literal(token.text);
      case 'quotedName':
        return this.variable(token.text);
      case 'word':
        return this.word(token.text);
      case 'close':
      case 'end':
      case 'symbol':
        throw new ConditionSyntaxError('a value is missing', token.position);
    }
  }

  private group(): Operand {
    const inner = this.nested(() => this.disjunction());
    const closing = this.peek();
    // Published bundles lack the last parenthesis, and Apigee deploys them.
    if (closing.kind === 'end') this.warnings.push('a closing parenthesis is missing at the end');
    else if (closing.kind === 'close') this.next += 1;
    else throw new ConditionSyntaxError('a closing parenthesis is missing', closing.position);
    return { evaluate: inner.evaluate };
  }

  private word(text: string): Operand {
    const word = LITERAL_WORDS.get(text.toLowerCase());
    if (word !== undefined) return literal(word);
    const number = NUMBER.exec(text)?.[1];
    return number === undefined ? this.variable(text) : literal({ number: Number(number), text: number });
  }

  private variable(name: string): Operand {
    this.variables.add(name);
    return { evaluate: (lookup) => valueOf(lookup(name)) };
  }
}

/** `a is not null` compares with `not null`, which is true: hardly what its writer means. */
const notAfterOperator = (position: number): string =>
  `"not" at character ${position + 1} makes true or false of what follows it: "is not" is written IsNot`;

const literal = (value: ConditionValue): Operand => ({ evaluate: () => value, literal: value });

const fitting = (test: TextTest): Comparison => onTexts((text) => test(text));

/** The expression is a configuration's, the value a caller's: nothing is taken that is not linear in the value. */
function regexComparison(pattern: string | undefined, position: number): Comparison {
  if (pattern === undefined) {
    throw new ConditionSyntaxError('a regular expression must be written in the condition, in quotes', position);
  }
  const regex = compileLinearRegex(pattern);
  if (regex.ok) return fitting(regex.matches);
  const openingQuote = 1;
  throw new ConditionSyntaxError(
    `in the regular expression, ${regex.message}`,
    position + openingQuote + regex.position,
  );
}

/**
 * Patterns written in the condition are compiled now; one from a variable is compiled when it is known. `position` is where
 * the right side begins.
 */
function comparisonOf(operator: ComparisonName, right: Operand, position: number): Comparison {
  const pattern = typeof right.literal === 'string' ? right.literal : undefined;
  if (operator === 'matchesRegex') return regexComparison(pattern, position);
  if (pattern !== undefined && operator === 'matches') return fitting(compileGlob(pattern));
  if (pattern !== undefined && operator === 'matchesPath') return fitting(compilePathGlob(pattern));
  return COMPARISONS[operator];
}

/** Parses Apigee's condition language (`verify-jwt.md` part 10) once; what it gives is asked in every request. */
export function parseCondition(text: string): ParsedCondition {
  try {
    const parser = new ConditionParser(text);
    const expression = parser.parse();
    const evaluate = (lookup: VariableLookup): boolean => isTrue(expression(lookup));
    return { ok: true, evaluate, variables: [...parser.variables], warnings: parser.warnings };
  } catch (reason) {
    if (!(reason instanceof ConditionSyntaxError)) throw reason;
    return { ok: false, message: reason.message, position: reason.position };
  }
}
