import type { ValuesByName } from './variable-source.ts';

function add(values: Map<string, string[]>, name: string, value: string): void {
  const known = values.get(name);
  if (known === undefined) values.set(name, [value]);
  else known.push(value);
}

/** The lines of one header by its lower-case name; undefined: there is none. To look through a list is cheaper than to index it. */
export function headerLinesIn(rawHeaders: readonly string[], name: string): readonly string[] | undefined {
  let lines: string[] | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const given = rawHeaders[index] ?? '';
    if (given.length !== name.length || given.toLowerCase() !== name) continue;
    const line = rawHeaders[index + 1] ?? '';
    if (lines === undefined) lines = [line];
    else lines.push(line);
  }
  return lines;
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
