import type { VariableValue } from '../exchange/variable-source.ts';
import { variableText } from '../exchange/variable-text.ts';

/** A number together with its text as written: `1.0` is not the text `1`. */
export interface NumberValue {
  readonly number: number;
  readonly text: string;
}

/** null: the variable is unset. */
export type ConditionValue = string | boolean | NumberValue | null;

export function valueOf(variable: VariableValue): ConditionValue {
  if (variable === undefined) return null;
  if (typeof variable === 'number') return { number: variable, text: String(variable) };
  return typeof variable === 'boolean' ? variable : (variableText(variable) ?? null);
}

const textOf = (value: string | boolean | NumberValue): string =>
  typeof value === 'object' ? value.text : String(value);
const numberOf = (value: boolean | NumberValue): number => (typeof value === 'object' ? value.number : Number(value));

/** What a value that stands alone means: only true, or the text of it, holds. */
export const isTrue = (value: ConditionValue): boolean =>
  value === true || (typeof value === 'string' && value.toLowerCase() === 'true');

/** Both become text when one of them is; null equals only null. */
export function areEqual(left: ConditionValue, right: ConditionValue): boolean {
  if (left === null || right === null) return left === right;
  if (typeof left === 'string' || typeof right === 'string') return textOf(left) === textOf(right);
  return numberOf(left) === numberOf(right);
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
  return numberOf(left) - numberOf(right);
}

/** For the operators on texts: they never hold when either side is null. */
export function onTexts(holds: (left: string, right: string) => boolean) {
  return (left: ConditionValue, right: ConditionValue): boolean =>
    left !== null && right !== null && holds(textOf(left), textOf(right));
}
