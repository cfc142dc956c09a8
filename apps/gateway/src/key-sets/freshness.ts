/** Seconds. A set is fresh for `standard` (the seed, JWKS) unless its server says otherwise, within the other two. */
export const FRESHNESS_SECONDS = { standard: 300, shortest: 60, longest: 3_600 } as const;

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

const textOf = (value: string | string[] | undefined): string => [value ?? []].flat().join(',');

const MAX_AGE = /^max-age="?(\d{1,10})"?$/;
const SECONDS = /^\d{1,10}$/;

/**
 * How long an answer may be used: `max-age` of Cache-Control less the `Age` that caches on the way gave it (RFC 9111
 * section 4.2), never shorter than a minute or longer than an hour. `no-store`, or no `max-age`: the standard.
 */
export function freshForSeconds(headers: AnswerHeaders): number {
  const directives = textOf(headers['cache-control'])
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim());
  if (directives.includes('no-store')) return FRESHNESS_SECONDS.standard;
  const maxAge = directives.map((directive) => MAX_AGE.exec(directive)?.[1]).find((found) => found !== undefined);
  if (maxAge === undefined) return FRESHNESS_SECONDS.standard;
  const age = textOf(headers['age']).trim();
  const left = Number(maxAge) - (SECONDS.test(age) ? Number(age) : 0);
  return Math.min(Math.max(left, FRESHNESS_SECONDS.shortest), FRESHNESS_SECONDS.longest);
}
