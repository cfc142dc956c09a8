import { type JwsAlgorithmName } from './jws-algorithms.ts';
import { type JsonObject, type JsonValue } from './json-value.ts';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';

/** The part of a verifier's options that a header is judged by beside its algorithms. */
export interface CriticalRules {
  readonly type?: string;
  readonly knownCriticalHeaders?: readonly string[];
  readonly ignoreCriticalHeaders?: boolean;
}

export interface HeaderRules extends CriticalRules {
  readonly algorithms: readonly JwsAlgorithmName[];
}

/** Returns the algorithm to verify with, or why the header is refused. */
export type HeaderCheck = (header: JsonObject) => JwsAlgorithmName | JwtRefusal;

const isNameList = (value: JsonValue): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');

const unhandled = (header: string): JwtRefusal => refusal('UnhandledCriticalHeader', { header });

const checkCritical = (header: JsonObject, known: ReadonlySet<string>): JwtRefusal | undefined => {
  const critical = header['crit'];
  if (critical === undefined) return undefined;
  if (!isNameList(critical)) return unhandled('crit');
  const bad = critical.find((name) => !known.has(name) || !Object.hasOwn(header, name));
  return bad === undefined ? undefined : unhandled(bad);
};

/** Media types compare without case, and `application/` may be left out (RFC 7515 section 4.1.9). */
const bareType = (type: string): string => type.toLowerCase().replace(/^application\//, '');

/**
 * Prepares the checks of `crit` and `typ`.
 *
 * A token signed over an unencoded payload (RFC 7797) is refused whatever the options say: its signature is not
 * over the text that the engine would hand on.
 */
export const compileCriticalCheck = (rules: CriticalRules): ((header: JsonObject) => JwtRefusal | undefined) => {
  const known = new Set(rules.knownCriticalHeaders);
  known.delete('b64');
  const ignoresCritical = rules.ignoreCriticalHeaders ?? false;
  const type = rules.type === undefined ? undefined : bareType(rules.type);

  return (header) => {
    if (header['b64'] === false) return unhandled('b64');
    const critical = ignoresCritical ? undefined : checkCritical(header, known);
    if (critical !== undefined || type === undefined) return critical;
    const typed = header['typ'];
    return typeof typed === 'string' && bareType(typed) === type ? undefined : refusal('WrongTokenType');
  };
};

/** Prepares the checks of a parsed header in their order: `alg`, `crit`, `typ` (steps 5 to 7 of the evaluation order). */
export const compileHeaderCheck = (rules: HeaderRules): HeaderCheck => {
  const allowed = new Map<string, JwsAlgorithmName>(rules.algorithms.map((name) => [name, name]));
  const checkRest = compileCriticalCheck(rules);

  return (header) => {
    const named = header['alg'];
    if (typeof named !== 'string') return refusal('NoAlgorithmInHeader');
    const algorithm = allowed.get(named);
    if (algorithm === undefined) return refusal('AlgorithmNotAllowed', { algorithm: named });
    return checkRest(header) ?? algorithm;
  };
};
