import { refusal, type ClaimCheck, type DecodedJwt, type JsonValue } from '#libs/jwt-engine';
import type { ExpectedMembers, ProxyArtifact, TextOrRef, VerifyJwtContract } from '#libs/policy-contracts';
import { areExactlyEqual, exactMember, exactNames, readExactly, type ExactJson } from '../exact-json/exact-json.ts';
import { readUntrusted } from '../exact-json/read-untrusted.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { bindList, bindText } from '../linking/bound-text.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { linkExpectation, type ReadExact } from './member-expectation.ts';
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

/** Demands nothing, which somebody should hear of: the variable is not set, and the policy ignores that (2.4). */
const demandNothing = (reference: string, { policyName, options }: LinkContext): undefined => {
  options.onIgnored?.({ policy: policyName, reference });
};

function linkRequired(element: VerifyJwtContract['requiredClaims'], context: LinkContext): LinkedChecks {
  if (element === undefined) return NOTHING;
  const { reference, read } = bindList(element, context.artifact);
  const check: Check = ({ claims }, _nowSeconds, { exchange }) => {
    const names = read(exchange);
    if (names === undefined) return demandNothing(reference ?? '', context);
    const missing = names.find((name) => !Object.hasOwn(claims, name));
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

const exactPart = (jwt: DecodedJwt, part: Part): ExactJson =>
  readExactly(part === 'claims' ? jwt.payloadText : jwt.headerText);

/** The variable holds an object; each of its members must be in the token, deep-equal, registered names included. */
function linkWholeObject(ref: string, part: Part, context: LinkContext): LinkedChecks {
  const bound = bindText({ ref }, context.artifact);
  const isResolved = (exchange: Exchange): boolean => bound.kind === 'constant' || bound.read(exchange) !== undefined;
  const check: Check = (jwt, _nowSeconds, { exchange }) => {
    const text = bound.kind === 'constant' ? bound.text : bound.read(exchange);
    if (text === undefined) return demandNothing(ref, context);
    const expected = readUntrusted(text) ?? null;
    if (typeof expected !== 'object' || expected === null || Array.isArray(expected)) return mismatchOf('header', ref);
    const actual = exactPart(jwt, part);
    const wrong = exactNames(expected).find((name) => {
      const found = exactMember(actual, name);
      return found === undefined || !areExactlyEqual(found, exactMember(expected, name) ?? null);
    });
    return wrong === undefined ? undefined : mismatchOf(part, wrong);
  };
  return { references: [{ name: ref, isResolved }], checks: [check] };
}

function linkMembers(members: ExpectedMembers | undefined, part: Part, context: LinkContext): LinkedChecks {
  if (members === undefined) return NOTHING;
  const expectations = members.claims.map((member) => linkExpectation(member, context.artifact));
  const check: Check = (jwt: DecodedJwt, _nowSeconds, { exchange }) => {
    let whole: ExactJson | undefined;
    for (const { name, isMet } of expectations) {
      const actual = Object.hasOwn(jwt[part], name) ? jwt[part][name] : undefined;
      const exact: ReadExact = () => exactMember((whole ??= exactPart(jwt, part)), name) ?? null;
      if (actual === undefined || !isMet(actual, exact, exchange)) return mismatchOf(part, name);
    }
    return undefined;
  };
  const whole = members.ref === undefined ? NOTHING : linkWholeObject(members.ref, part, context);
  const references = expectations.flatMap(({ reference }) => (reference === undefined ? [] : [reference]));
  return { references: [...references, ...whole.references], checks: [check, ...whole.checks] };
}

/** Steps 15 and 16 of the evaluation order: first every variable is resolved, then the checks run in this order. */
export function linkClaimChecks(contract: VerifyJwtContract, context: LinkContext): readonly Check[] {
  const { artifact } = context;
  const linked = [
    linkRegistered('sub', contract.subject, artifact),
    linkRegistered('iss', contract.issuer, artifact),
    linkRegistered('aud', contract.audience, artifact),
    linkRegistered('jti', contract.id, artifact),
    linkRequired(contract.requiredClaims, context),
    linkMembers(contract.additionalClaims, 'claims', context),
    linkMembers(contract.additionalHeaders, 'header', context),
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
