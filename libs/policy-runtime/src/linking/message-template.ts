import { compileVariable } from '../exchange/compile-variable.ts';
import type { VariableSource } from '../exchange/variable-source.ts';
import { variableText } from '../exchange/variable-text.ts';

/**
 * Text with `{variable}` in it (Apigee's message templates). Braces around anything that cannot be the name of a variable
 * are text, so that a JSON document may be written as it is.
 */
const REFERENCE = /\{([A-Za-z_][\w.$%-]*(?: [\w.$%-]+)*)\}/g;

/** Names of the variables in a template. */
export const templateVariables = (template: string): string[] =>
  [...template.matchAll(REFERENCE)].map(([, name = '']) => name);

/** Reads a template once. A variable without a value is empty; values stand as they are, as Apigee has it. */
export function compileMessageTemplate(template: string): (source: VariableSource) => string {
  const parts = template.split(REFERENCE);
  if (parts.length === 1) return () => template;
  // What was captured stands at the odd places.
  const pieces = parts.map((part, at) => (at % 2 === 0 ? part : compileVariable(part)));
  return (source) =>
    pieces.map((piece) => (typeof piece === 'string' ? piece : (variableText(piece(source)) ?? ''))).join('');
}
