import { refusal, type ClaimCheck, type DecodedJwt, type JsonObject, type JsonValue } from '#libs/jwt-engine';
import type { ExpectedMembers, ProxyArtifact, TextOrRef, VerifyJwtContract } from '#libs/policy-contracts';
import type { Exchange } from '../exchange/exchange.ts';
import { bindList, bindText } from '../linking/bound-text.ts';
import { jsonFrom, areJsonEqual } from './json-equality.ts';
import { linkExpectation } from './member-expectation.ts';
import type { VerifyContext } from './verify-context.ts';

type Check = ClaimCheck<VerifyContext>;
interface Reference {
  readonly name: string;
  readonly isResolved: (exchange: Exchange) => boolean;
}
/** Checks of one element, and the variables they need. */
interface LinkedChecks {
  readonly references: readonly Reference[];
  readonly checks: readonly Check[];
}

const NOTHING: LinkedChecks = { references: [], checks: [] };

/** Exactly this text. */
const isText = (actual: JsonValue | undefined, expected: string): boolean => actual === expected;

/**
 * The text among the token's audiences; failing that, when it has commas, all of its parts among them: fewer would
 * widen access by guesswork (`verify-jwt.md` 3.5, 13.6).
 */
function isAudience(actual: JsonValue | undefined, expected: string): boolean {
  const audiences = Array.isArray(actual) ? (actual as readonly JsonValue[]) : [actual];
  if (audiences.includes(expected)) return true;
  return expected.includes(',') && expected.split(',').every((part) => audiences.includes(part.trim()));
}

function linkRegistered(
  claim: 'sub' | 'iss' | 'aud' | 'jti',
  element: TextOrRef | undefined,
  artifact: ProxyArtifact,
): LinkedChecks {
  if (element === undefined) return NOTHING;
  const fits = claim === 'aud' ? isAudience : isText;
  const mismatch = refusal('ClaimMismatch', { claim });
  const bound = bindText(element, artifact);
  if (bound.kind === 'constant') {
    const { text } = bound;
    return { references: [], checks: [({ claims }) => (fits(claims[claim], text) ? undefined : mismatch)] };
  }
  const isResolved = (exchange: Exchange): boolean => bound.read(exchange) !== undefined;
  // An unresolved variable that is ignored is compared as the empty text: the check never falls away (13.1).
  const check: Check = ({ claims }, _nowSeconds, { exchange }) =>
    fits(claims[claim], bound.read(exchange) ?? '') ? undefined : mismatch;
  return { references: [{ name: bound.reference, isResolved }], checks: [check] };
}

function linkRequired(element: VerifyJwtContract['requiredClaims'], artifact: ProxyArtifact): LinkedChecks {
  if (element === undefined) return NOTHING;
  const { reference, read } = bindList(element, artifact);
  const check: Check = ({ claims }, _nowSeconds, { exchange }) => {
    const missing = read(exchange)?.find((name) => !Object.hasOwn(claims, name));
    return missing === undefined ? undefined : refusal('ClaimMismatch', { claim: missing });
  };
  const references =
    reference === undefined
      ? []
      : [{ name: reference, isResolved: (exchange: Exchange) => read(exchange) !== undefined }];
  return { references, checks: [check] };
}

type Part = 'claims' | 'header';
const mismatchOf = (part: Part, name: string) =>
  refusal('ClaimMismatch', part === 'claims' ? { claim: name } : { header: name });

/** The variable holds an object; each of its members must be in the token, deep-equal, registered names included. */
function linkWholeObject(ref: string, part: Part, artifact: ProxyArtifact): LinkedChecks {
  const bound = bindText({ ref }, artifact);
  const isResolved = (exchange: Exchange): boolean => bound.kind === 'constant' || bound.read(exchange) !== undefined;
  const check: Check = (jwt, _nowSeconds, { exchange }) => {
    const text = bound.kind === 'constant' ? bound.text : bound.read(exchange);
    if (text === undefined) return undefined;
    const expected = jsonFrom(text);
    if (typeof expected !== 'object' || expected === null || Array.isArray(expected)) return mismatchOf('header', ref);
    const wrong = Object.entries(expected as JsonObject).find(
      ([name, value]) => !Object.hasOwn(jwt[part], name) || !areJsonEqual(jwt[part][name] ?? null, value),
    );
    return wrong === undefined ? undefined : mismatchOf(part, wrong[0]);
  };
  return { references: [{ name: ref, isResolved }], checks: [check] };
}

function linkMembers(members: ExpectedMembers | undefined, part: Part, artifact: ProxyArtifact): LinkedChecks {
  if (members === undefined) return NOTHING;
  const expectations = members.claims.map((member) => linkExpectation(member, artifact));
  const check: Check = (jwt: DecodedJwt, _nowSeconds, { exchange }) => {
    for (const { name, isMet } of expectations) {
      const actual = Object.hasOwn(jwt[part], name) ? jwt[part][name] : undefined;
      if (actual === undefined || !isMet(actual, exchange)) return mismatchOf(part, name);
    }
    return undefined;
  };
  const whole = members.ref === undefined ? NOTHING : linkWholeObject(members.ref, part, artifact);
  const references = expectations.flatMap(({ reference }) => (reference === undefined ? [] : [reference]));
  return { references: [...references, ...whole.references], checks: [check, ...whole.checks] };
}

/** Steps 15 and 16 of the evaluation order: first every variable is resolved, then the checks run in this order. */
export function linkClaimChecks(contract: VerifyJwtContract, artifact: ProxyArtifact): readonly Check[] {
  const linked = [
    linkRegistered('sub', contract.subject, artifact),
    linkRegistered('iss', contract.issuer, artifact),
    linkRegistered('aud', contract.audience, artifact),
    linkRegistered('jti', contract.id, artifact),
    linkRequired(contract.requiredClaims, artifact),
    linkMembers(contract.additionalClaims, 'claims', artifact),
    linkMembers(contract.additionalHeaders, 'header', artifact),
  ];
  const checks = linked.flatMap((element) => element.checks);
  const references = linked.flatMap((element) => element.references);
  if (contract.ignoreUnresolvedVariables || references.length === 0) return checks;
  const resolve: Check = (_jwt, _nowSeconds, { exchange }) => {
    const unresolved = references.find(({ isResolved }) => !isResolved(exchange));
    return unresolved && refusal('UnresolvedReference', { reference: unresolved.name });
  };
  return [resolve, ...checks];
}
