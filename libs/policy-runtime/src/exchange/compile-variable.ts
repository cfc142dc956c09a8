import { SYSTEM_TIME } from './system-time.ts';
import type { ValuesByName, VariableSource, VariableValue } from './variable-source.ts';

/** Reads one flow variable; compiled once per name that a configuration mentions. */
export type VariableReader = (source: VariableSource) => VariableValue;

const basePath = ({ request, pathSuffix }: VariableSource): string =>
  pathSuffix !== '' && request.path.endsWith(pathSuffix) ? request.path.slice(0, -pathSuffix.length) : request.path;
const uri = ({ request }: VariableSource): string =>
  request.queryString === '' ? request.path : `${request.path}?${request.queryString}`;
const clientAddress: VariableReader = ({ request }) => request.clientAddress;

/** Phrases of the statuses that policies and the gateway answer with (RFC 9110 section 15). */
const REASON_PHRASES: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [413, 'Content Too Large'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
]);

/** Variables with a fixed name (`verify-jwt.md` part 9). To add one is to add a line. */
const BY_NAME: ReadonlyMap<string, VariableReader> = new Map<string, VariableReader>([
  ['request.verb', ({ request }) => request.method],
  ['request.path', ({ request }) => request.path],
  ['request.querystring', ({ request }) => request.queryString],
  ['request.uri', uri],
  ['request.content', ({ request }) => request.body?.toString('utf8')],
  ['request.version', ({ request }) => request.httpVersion],
  ['response.status.code', ({ response }) => response?.status],
  ['proxy.basepath', basePath],
  ['proxy.pathsuffix', ({ pathSuffix }) => pathSuffix],
  ['proxy.url', (source) => `${source.request.scheme}://${source.request.host}${uri(source)}`],
  ['proxy.client.ip', clientAddress],
  ['client.ip', ({ request }) => request.peerAddress],
  ['client.resolved.ip', clientAddress],
  ['client.scheme', ({ request }) => request.scheme],
  ['organization.name', ({ proxy }) => proxy.artifact.project],
  ['environment.name', ({ proxy }) => proxy.artifact.environment.name],
  ['apiproxy.name', ({ proxy }) => proxy.artifact.proxy],
  ['apiproxy.revision', ({ proxy }) => proxy.artifact.revision],
  ['messageid', ({ correlationId }) => correlationId],
  ['system.timestamp', ({ nowMs }) => nowMs],
  ...SYSTEM_TIME,
  ['client.received.start.timestamp', ({ startedAtMs }) => startedAtMs],
  ['fault.name', ({ faultName }) => faultName],
  ['fault.reason', ({ fault }) => fault?.message ?? fault?.reason],
  ['fault.category', ({ fault }) => (fault === undefined ? undefined : 'Step')],
  ['error.message', ({ fault }) => fault?.message ?? fault?.reason],
  ['error.content', ({ fault }) => fault?.body],
  ['error.status.code', ({ fault }) => fault?.status],
  ['error.reason.phrase', ({ fault }) => fault?.reasonPhrase ?? REASON_PHRASES.get(fault?.status ?? 0)],
]);

const SUFFIXED = /^(.+?)(?:\.(?:(\d{1,4})|(values)(?:\.(count|string))?))?$/s;

type PickValue = (values: readonly string[]) => VariableValue;

/** `.N` (1 is first), `.values`, `.values.count`, `.values.string`; without a suffix the first value. */
function pickerOf(found: RegExpExecArray, separator: string): PickValue {
  const [, , position, all, aspect] = found;
  if (position !== undefined) return (values) => values[Number(position) - 1];
  if (all === undefined) return (values) => values[0];
  if (aspect === 'count') return (values) => values.length;
  return aspect === 'string' ? (values) => values.join(separator) : (values) => values;
}

function parameterReader(rest: string, valuesOf: (source: VariableSource) => ValuesByName): VariableReader {
  const found = SUFFIXED.exec(rest);
  const name = found?.[1];
  if (found === null || name === undefined) return () => undefined;
  const pick = pickerOf(found, ',');
  return (source) => {
    const values = valuesOf(source).get(name);
    return values === undefined ? undefined : pick(values);
  };
}

const splitAtCommas = (text: string): string[] => text.split(',').map((part) => part.trim());

/** A header's lines are one list; commas separate its values, also inside one line. */
function headerReader(rest: string, linesOf: (source: VariableSource, name: string) => readonly string[] | undefined) {
  const found = SUFFIXED.exec(rest);
  const name = found?.[1]?.toLowerCase();
  if (found === null || name === undefined) return () => undefined;
  const pick = pickerOf(found, ', ');
  const readsWhole = found[4] === 'string';
  return (source: VariableSource): VariableValue => {
    const lines = linesOf(source, name);
    if (lines === undefined) return undefined;
    const [line] = lines;
    if (readsWhole) return lines.join(', ');
    if (lines.length === 1 && line !== undefined && !line.includes(',')) return pick([line.trim()]);
    return pick(lines.flatMap(splitAtCommas));
  };
}

const responseHeader = ({ response }: VariableSource, name: string): readonly string[] | undefined => {
  const value = response?.headers.get(name);
  return value === undefined ? undefined : [value];
};
const faultHeader = ({ fault }: VariableSource, name: string): readonly string[] | undefined => {
  const lines = fault?.headers.filter(([header]) => header.toLowerCase() === name).map(([, value]) => value);
  return lines?.length === 0 ? undefined : lines;
};

/** The message a flow works on: the request, the response, the fault. */
function aliasReader(rest: string): VariableReader {
  const readers = {
    request: compileBuiltIn(`request.${rest}`),
    response: compileBuiltIn(`response.${rest}`),
    error: compileBuiltIn(`error.${rest}`),
  };
  return (source) => readers[source.phase]?.(source);
}

/** Families of variables: everything after the prefix is a name. */
const BY_PREFIX: readonly (readonly [string, (rest: string, name: string) => VariableReader])[] = [
  ['request.header.', (rest) => headerReader(rest, (source, name) => source.headerLines(name))],
  ['request.queryparam.', (rest) => parameterReader(rest, (source) => source.queryParameters())],
  ['request.formparam.', (rest) => parameterReader(rest, (source) => source.formParameters())],
  ['response.header.', (rest) => headerReader(rest, responseHeader)],
  ['error.header.', (rest) => headerReader(rest, faultHeader)],
  ['message.', aliasReader],
  ['jwt.', (_rest, name) => (source) => source.tokenVariable(name)],
];

function compileBuiltIn(name: string): VariableReader | undefined {
  const fixed = BY_NAME.get(name);
  if (fixed !== undefined) return fixed;
  for (const [prefix, compile] of BY_PREFIX) {
    if (name.startsWith(prefix) && name.length > prefix.length) return compile(name.slice(prefix.length), name);
  }
  return undefined;
}

/** What the gateway itself gives a value, and the families of such variables. */
export const FLOW_VARIABLE_NAMES: readonly string[] = [...BY_NAME.keys(), ...BY_PREFIX.map(([prefix]) => prefix)];

/** Whether the gateway itself gives this variable its value. */
export const isBuiltInVariable = (name: string): boolean => compileBuiltIn(name) !== undefined;

/** Whether a variable can only be read when the request's body was read. */
export const readsRequestBody = (name: string): boolean => /^(?:request|message)\.(?:formparam\.|content$)/.test(name);

/**
 * Prepares the reading of one variable: what a policy set, else what the gateway knows, else the environment's
 * variable of that name. Names are case-sensitive, header names in them are not.
 */
export function compileVariable(name: string): VariableReader {
  const builtIn = compileBuiltIn(name);
  const otherwise: VariableReader =
    builtIn ??
    (({ proxy: { artifact } }) =>
      Object.hasOwn(artifact.variables, name) ? artifact.variables[name]?.value : undefined);
  return (source) => {
    const custom = source.customVariables;
    return custom !== undefined && custom.has(name) ? custom.get(name) : otherwise(source);
  };
}
