import type { ContractWarning } from '#libs/policy-contracts';

/**
 * Members of the vendor's bodies that mean nothing here and that nobody is less safe without (caching, SOAP, WS-*…), by
 * path: `reParse`, `clientRoute.bufferRequest`, `routingAddressList[].healthCheck`. What would weaken security when it is
 * ignored is never in such a list: it stays unknown, and so is refused.
 */
export type IgnoredMembers = readonly string[];

type Members = Record<string, unknown>;

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Found {
  readonly body: unknown;
  readonly warnings: readonly ContractWarning[];
}

function without(value: unknown, steps: readonly string[], at: string): Found {
  const [step = '', ...rest] = steps;
  if (step.endsWith('[]')) return withoutInList(value, step.slice(0, -2), rest, at);
  if (!isObject(value) || !Object.hasOwn(value, step)) return { body: value, warnings: [] };
  const field = at === '' ? step : `${at}.${step}`;
  if (rest.length === 0) {
    const { [step]: _ignored, ...body } = value;
    return { body, warnings: [{ field, message: `${field} has no effect here` }] };
  }
  const inner = without(value[step], rest, field);
  return { body: { ...value, [step]: inner.body }, warnings: inner.warnings };
}

function withoutInList(value: unknown, name: string, rest: readonly string[], at: string): Found {
  if (!isObject(value) || !Array.isArray(value[name])) return { body: value, warnings: [] };
  const field = at === '' ? name : `${at}.${name}`;
  const items = (value[name] as unknown[]).map((item, index) => without(item, rest, `${field}[${index}]`));
  return {
    body: { ...value, [name]: items.map((item) => item.body) },
    warnings: items.flatMap((item) => item.warnings),
  };
}

/** A body without the members that mean nothing here, and a warning for each of them. */
export function withoutIgnored(body: unknown, ignored: IgnoredMembers): Found {
  return ignored.reduce<Found>(
    (found, path) => {
      const next = without(found.body, path.split('.'), '');
      return { body: next.body, warnings: [...found.warnings, ...next.warnings] };
    },
    { body, warnings: [] },
  );
}
