import type { VariableValue } from './variable-source.ts';

/** The text of a variable; a list prints as Apigee's do: `[a, b]`. undefined stays undefined. */
export function variableText(value: VariableValue): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  return typeof value === 'object' ? `[${value.join(', ')}]` : String(value);
}
