import { parseRedisUrl, readRedisTls, REDIS_URL_FORM, type RedisTls } from '#libs/redis-clients';
import { readSecretFile } from './secret-file.ts';

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
  /** What files said, each read once; undefined: the file is at fault. */
  private readonly fromFiles = new Map<string, string | undefined>();

  /** @param secrets settings that may also be given as a file, by `<NAME>_FILE` */
  constructor(
    private readonly variables: EnvironmentVariables,
    private readonly secrets: readonly string[] = [],
  ) {}

  /** An empty text counts as not set. */
  text(name: string): string | undefined {
    const value = this.own(name);
    return this.secrets.includes(name) ? this.secret(name, value) : value;
  }

  /** True when it is set in either form, though what it says may be at fault. */
  isGiven(name: string): boolean {
    return this.text(name) !== undefined || this.fromFiles.has(name);
  }

  private own(name: string): string | undefined {
    const value = this.variables[name];
    return value === undefined || value === '' ? undefined : value;
  }

  private secret(name: string, value: string | undefined): string | undefined {
    if (this.fromFiles.has(name)) return this.fromFiles.get(name);
    const setting = `${name}_FILE`;
    const file = this.own(setting);
    if (file === undefined) return value;
    const read = value === undefined ? readSecretFile(file) : { fault: `and ${name} are both set: give one of them` };
    if ('fault' in read) this.faults.push(`${setting} ${read.fault}`);
    const text = 'text' in read ? read.text : undefined;
    this.fromFiles.set(name, text);
    return text;
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
    if (!this.isGiven(name)) this.faults.push(`${name} is required`);
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

  /** What encrypted connections to any Redis trust and show. */
  redisTls(): RedisTls {
    const { tls, faults } = readRedisTls((name) => this.text(name));
    this.faults.push(...faults);
    return tls;
  }

  oneOf<Value extends string>(name: string, values: readonly Value[], value: Value): Value {
    const read = (text: string): Value | undefined => values.find((candidate) => candidate === text);
    return this.parsed(name, `one of ${values.join(', ')}`, read) ?? value;
  }
}
