import type { VariableValue } from './variable-source.ts';

/** The text of a variable; a list prints as Apigee's do: `[a, b]`, a number as it was written. undefined stays undefined. */
export function variableText(value: VariableValue): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value !== 'object') return String(value);
  return 'text' in value ? value.text : `[${value.join(', ')}]`;
}
