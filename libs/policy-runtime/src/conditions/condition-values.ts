import { compareDecimals } from '../exact-json/decimal.ts';
import type { ExactNumber, VariableValue } from '../exchange/variable-source.ts';
import { variableText } from '../exchange/variable-text.ts';

/** null: the variable is unset. A number keeps its text: `1.0` equals 1, but is not the text `1`. */
export type ConditionValue = string | boolean | ExactNumber | null;

export function valueOf(variable: VariableValue): ConditionValue {
  if (variable === undefined) return null;
  if (typeof variable === 'number') return { number: variable, text: String(variable) };
  if (typeof variable === 'object') return 'text' in variable ? variable : (variableText(variable) ?? null);
  return variable;
}

const textOf = (value: string | boolean | ExactNumber): string =>
  typeof value === 'object' ? value.text : String(value);

/** A boolean beside a number counts as 1 or 0. */
const digitsOf = (value: boolean | ExactNumber): string =>
  typeof value === 'object' ? value.text : String(Number(value));
const compareNumbers = (left: boolean | ExactNumber, right: boolean | ExactNumber): number =>
  compareDecimals(digitsOf(left), digitsOf(right));

/** What a value that stands alone means: only true, or the text of it, holds. */
export const isTrue = (value: ConditionValue): boolean =>
  value === true || (typeof value === 'string' && value.toLowerCase() === 'true');

/** Both become text when one of them is; null equals only null. */
export function areEqual(left: ConditionValue, right: ConditionValue): boolean {
  if (left === null || right === null) return left === right;
  if (typeof left === 'string' || typeof right === 'string') return textOf(left) === textOf(right);
  return compareNumbers(left, right) === 0;
}

export function areEqualIgnoringCase(left: ConditionValue, right: ConditionValue): boolean {
  if (left === null || right === null) return left === right;
  return textOf(left).toLowerCase() === textOf(right).toLowerCase();
}

/**
 * Below 0: left comes first. Null sorts below everything: three of the four order rows of the documented null table say
 * so, the fourth contradicts them (`verify-jwt.md` part 10, decision 13.19).
 */
export function order(left: ConditionValue, right: ConditionValue): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  if (typeof left === 'string' || typeof right === 'string') {
    const [one, other] = [textOf(left), textOf(right)];
    return one === other ? 0 : one < other ? -1 : 1;
  }
  return compareNumbers(left, right);
}

/** For the operators on texts: they never hold when either side is null. */
export function onTexts(holds: (left: string, right: string) => boolean) {
  return (left: ConditionValue, right: ConditionValue): boolean =>
    left !== null && right !== null && holds(textOf(left), textOf(right));
}
