import type { ArtifactHeaderRule } from '#libs/policy-contracts';

/** What a router may ask of a request's headers. */
export interface RouteHeaders {
  /** Whether the request has the header with this very value; the name in lower case. Lines of one name are one value. */
  has(name: string, value: string): boolean;
}

/** Headers of a request to come, of which not everything is known. */
export interface UncertainHeaders {
  readonly certain: RouteHeaders;
  /** What it may have, `certain` included. */
  readonly possible: RouteHeaders;
}

/** A request without headers. */
export const NO_HEADERS: RouteHeaders = { has: () => false };

/** The header rules of a route: the same text, whatever their order, means the same rules. */
export interface HeaderRules {
  /** `''` for none; for people and for comparing. */
  readonly text: string;
  readonly rules: readonly ArtifactHeaderRule[];
}

const byText = (left: string, right: string): number => (left < right ? -1 : Number(left > right));
const textOf = ({ name, value }: ArtifactHeaderRule): string => `${name.toLowerCase()}: ${value}`;

export function headerRulesOf(given: readonly ArtifactHeaderRule[]): HeaderRules {
  const byLine = new Map(given.map((rule) => [textOf(rule), { name: rule.name.toLowerCase(), value: rule.value }]));
  const lines = [...byLine].sort(([one], [other]) => byText(one, other));
  return { text: lines.map(([text]) => text).join('\n'), rules: lines.map(([, rule]) => rule) };
}

/** More rules first; the same order on every gateway. */
export const inOrderOfTrial = (left: HeaderRules, right: HeaderRules): number =>
  right.rules.length - left.rules.length || byText(left.text, right.text);

export const holds = ({ rules }: HeaderRules, headers: RouteHeaders): boolean =>
  rules.every(({ name, value }) => headers.has(name, value));

/** Names in several lists of rules, each once, in their order. */
export const namesIn = (lists: readonly HeaderRules[]): readonly string[] =>
  [...new Set(lists.flatMap(({ rules }) => rules.map(({ name }) => name)))].sort();
