/**
 * One text per JSON value: members sorted by code unit, no blanks, undefined members left out. Used where bytes are
 * compared or hashed. Numbers that JSON does not have, such as the Infinity that `JSON.parse` makes of 1e400, are written
 * as no JSON text is, so that they are not taken for null.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value as Record<string, unknown>)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
