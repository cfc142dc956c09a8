/** What JSON.parse can return. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object: a token's header, its claims, a JWK. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}
