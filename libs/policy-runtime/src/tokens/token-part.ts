import type { JsonObject } from '#libs/jwt-engine';
import {
  compactText,
  exactMember,
  exactNames,
  numberText,
  readExactly,
  stringText,
  type ExactJson,
} from '../exact-json/exact-json.ts';
import type { VariableValue } from '../exchange/variable-source.ts';

const listText = (items: readonly string[]): string => `[${items.join(', ')}]`;

/** The header or the claims of a token as variables; its text is read again, for its digits, when one of them needs it. */
export class TokenPart {
  readonly values: JsonObject;
  private readonly text: string;
  private exact: ExactJson | undefined;

  constructor(values: JsonObject, text: string) {
    this.values = values;
    this.text = text;
    this.exact = undefined;
  }

  /** Strings raw, numbers as they were written, booleans as they are, arrays and objects as compact JSON. */
  variable(name: string): VariableValue {
    const value = Object.hasOwn(this.values, name) ? this.values[name] : undefined;
    if (value === undefined || typeof value === 'string' || typeof value === 'boolean') return value;
    if (value === null) return 'null';
    const exact = exactMember(this.read(), name) ?? null;
    if (typeof value !== 'number') return compactText(exact);
    const text = numberText(exact) ?? String(value);
    return text === String(value) ? value : { number: value, text };
  }

  /** A member that may be a list or stand for a list of one: as Java prints lists, `[a, b]`. */
  asListText(name: string): string | undefined {
    const items = this.items(name);
    return items && listText(items.map((item) => stringText(item) ?? compactText(item)));
  }

  /** The same list as JSON: `["a","b"]`. */
  asJsonList(name: string): string | undefined {
    const items = this.items(name);
    return items && compactText(items);
  }

  /** The names of the members in the order of the token, as Java prints lists. */
  get names(): string {
    return listText(exactNames(this.read()));
  }

  /** The whole part as compact JSON. */
  get json(): string {
    return compactText(this.read());
  }

  private items(name: string): readonly ExactJson[] | undefined {
    const value = exactMember(this.read(), name);
    if (value === undefined) return undefined;
    return Array.isArray(value) ? (value as readonly ExactJson[]) : [value];
  }

  private read(): ExactJson {
    return (this.exact ??= readExactly(this.text));
  }
}
