import { type JsonValue } from './json-value.ts';

/** Makes a JSON value that several tokens or requests share unchangeable. */
export const freezeDeep = (value: JsonValue): void => {
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values<JsonValue>(value)) if (typeof inner === 'object') freezeDeep(inner);
  Object.freeze(value);
};
