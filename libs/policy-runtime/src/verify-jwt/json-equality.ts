import type { JsonValue } from '#libs/jwt-engine';

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

/** Deep equality of JSON values: the order of an object's members is irrelevant, that of a list counts. */
export function areJsonEqual(left: JsonValue, right: JsonValue): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (isList(left) || isList(right)) {
    if (!isList(left) || !isList(right) || left.length !== right.length) return false;
    return left.every((item, index) => areJsonEqual(item, right[index] ?? null));
  }
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => Object.hasOwn(right, name) && areJsonEqual(left[name] ?? null, right[name] ?? null));
}

/** The JSON value of a text; undefined when it is not JSON. */
export function jsonFrom(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
