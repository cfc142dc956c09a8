import type { JsonValue } from '#libs/jwt-engine';

/** The JSON value of a text; undefined when it is not JSON. */
export function jsonFrom(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
