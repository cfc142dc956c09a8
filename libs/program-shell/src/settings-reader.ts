import { parseRedisUrl, REDIS_URL_FORM } from './redis-address.ts';

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** A setting is missing or wrong; names all of them at once and never a value. */
export class BadSettings extends Error {
  readonly code = 'BAD_SETTINGS';
  constructor(readonly faults: readonly string[]) {
    super(`bad settings: ${faults.join('; ')}`);
    this.name = 'BadSettings';
  }
}

/** Reads settings one by one and collects what is wrong with them. */
export class SettingsReader {
  readonly faults: string[] = [];
  constructor(private readonly variables: EnvironmentVariables) {}

  /** An empty text counts as not set. */
  text(name: string): string | undefined {
    const value = this.variables[name];
    return value === undefined || value === '' ? undefined : value;
  }

  /** What `read` makes of the text; a fault when it makes nothing of it. */
  parsed<Value>(name: string, mustBe: string, read: (text: string) => Value | undefined): Value | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = read(text);
    if (value === undefined) this.faults.push(`${name} must be ${mustBe}`);
    return value;
  }

  required<Value>(name: string, mustBe: string, read: (text: string) => Value | undefined): Value | undefined {
    if (this.text(name) === undefined) this.faults.push(`${name} is required`);
    return this.parsed(name, mustBe, read);
  }

  integer(name: string, [minimum, maximum]: readonly [number, number], value: number): number {
    const read = (text: string): number | undefined => {
      const given = Number(text);
      return /^\d+$/.test(text) && given >= minimum && given <= maximum ? given : undefined;
    };
    return this.parsed(name, `a whole number from ${minimum} to ${maximum}`, read) ?? value;
  }

  url(name: string, protocols: readonly string[]): string | undefined {
    const isOne = (text: string) => URL.canParse(text) && protocols.includes(new URL(text).protocol);
    const mustBe = `a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
    return this.parsed(name, mustBe, (text) => (isOne(text) ? text : undefined));
  }

  redisUrl(name: string): string | undefined {
    return this.parsed(name, REDIS_URL_FORM, (text) => (parseRedisUrl(text) === undefined ? undefined : text));
  }

  oneOf<Value extends string>(name: string, values: readonly Value[], value: Value): Value {
    const read = (text: string): Value | undefined => values.find((candidate) => candidate === text);
    return this.parsed(name, `one of ${values.join(', ')}`, read) ?? value;
  }
}
