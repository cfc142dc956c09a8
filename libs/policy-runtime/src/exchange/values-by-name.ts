import type { ValuesByName } from './variable-source.ts';

function add(values: Map<string, string[]>, name: string, value: string): void {
  const known = values.get(name);
  if (known === undefined) values.set(name, [value]);
  else known.push(value);
}

/** Headers by lower-case name, from name, value, name, value … */
export function headersByName(rawHeaders: readonly string[]): ValuesByName {
  const values = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    add(values, (rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? '');
  }
  return values;
}

/** Decoded parameters of a query or of a body in application/x-www-form-urlencoded. */
export function parametersByName(encoded: string): ValuesByName {
  const values = new Map<string, string[]>();
  if (encoded === '') return values;
  for (const [name, value] of new URLSearchParams(encoded)) add(values, name, value);
  return values;
}

const FORM_TYPE = 'application/x-www-form-urlencoded';

/** Whether a Content-Type names a form; its parameters (charset) do not count. */
export const isFormType = (contentType: string | undefined): boolean =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase() === FORM_TYPE;
