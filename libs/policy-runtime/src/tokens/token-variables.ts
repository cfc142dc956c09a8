import type { DecodedJwt, JsonObject, JsonValue } from '#libs/jwt-engine';
import type { TokenVariables } from '../exchange/exchange.ts';
import type { VariableValue } from '../exchange/variable-source.ts';
import { compactJson } from './compact-json.ts';

/** What a policy found out; `jwt` only when the signature was good: nothing else of a token is ever published. */
export interface TokenFinding {
  readonly jwt: DecodedJwt | undefined;
  readonly isValid: boolean;
  /** The fault's text. */
  readonly error: string | undefined;
  /** When the token was judged. */
  readonly nowMs: number;
  readonly allowanceSeconds: number;
}

const member = (object: JsonObject | undefined, name: string): JsonValue | undefined =>
  object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;

/** Strings raw, numbers and booleans as they are, arrays and objects as compact JSON. */
function plain(value: JsonValue | undefined): VariableValue {
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return JSON.stringify(value);
}

const audiences = (value: JsonValue | undefined): readonly JsonValue[] | undefined =>
  value === undefined ? undefined : Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
const listText = (items: readonly JsonValue[] | undefined): string | undefined =>
  items === undefined ? undefined : `[${items.map((item) => String(plain(item))).join(', ')}]`;

const milliseconds = (seconds: JsonValue | undefined): number | undefined =>
  typeof seconds === 'number' && Number.isFinite(seconds) ? Math.round(seconds * 1000) : undefined;

/** 2017-11-07T23:53:55.000+0000, as Java's yyyy-MM-dd'T'HH:mm:ss.SSSZ prints it in UTC. */
function formattedDate(ms: number | undefined): string | undefined {
  if (ms === undefined) return undefined;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().replace('Z', '+0000');
}

const padded = (value: number, digits = 2): string => String(value).padStart(digits, '0');

/** 00:59:59.926; hours go on after 24, a negative duration has a minus in front. */
function formattedDuration(ms: number | undefined): string | undefined {
  if (ms === undefined) return undefined;
  const left = Math.abs(ms);
  const clock = [Math.floor(left / 3_600_000), Math.floor(left / 60_000) % 60, Math.floor(left / 1000) % 60];
  return `${ms < 0 ? '-' : ''}${clock.map((part) => padded(part)).join(':')}.${padded(left % 1000, 3)}`;
}

const expiryMs = ({ jwt }: TokenFinding): number | undefined => milliseconds(member(jwt?.claims, 'exp'));
const remainingMs = (finding: TokenFinding): number | undefined => {
  const expiry = expiryMs(finding);
  return expiry === undefined ? undefined : expiry - finding.nowMs;
};
const remainingSeconds = (finding: TokenFinding): number | undefined => {
  const remaining = remainingMs(finding);
  // Adding zero makes minus zero zero.
  return remaining === undefined ? undefined : Math.trunc(remaining / 1000) + 0;
};
const isExpired = (finding: TokenFinding): boolean | undefined => {
  if (finding.jwt === undefined) return undefined;
  const expiry = expiryMs(finding);
  return expiry !== undefined && finding.nowMs >= expiry + finding.allowanceSeconds * 1000;
};

type Read = (finding: TokenFinding) => VariableValue;
const claim =
  (name: string, read: (value: JsonValue | undefined) => VariableValue): Read =>
  ({ jwt }) =>
    read(member(jwt?.claims, name));

/** Variables with a fixed name (`verify-jwt.md` 6.1, 6.3). To add one is to add a line. */
const BY_NAME: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['valid', ({ isValid }) => isValid],
  ['failed', ({ isValid }) => !isValid],
  ['error', ({ error }) => error],
  ['claim.subject', claim('sub', plain)],
  ['claim.issuer', claim('iss', plain)],
  ['claim.id', claim('jti', plain)],
  ['claim.audience', claim('aud', (aud) => listText(audiences(aud)))],
  ['claim.expiry', claim('exp', milliseconds)],
  ['claim.issuedat', claim('iat', milliseconds)],
  ['claim.notbefore', claim('nbf', milliseconds)],
  ['decoded.claim.aud', claim('aud', (aud) => (aud === undefined ? undefined : JSON.stringify(audiences(aud))))],
  ['header.algorithm', ({ jwt }) => plain(member(jwt?.header, 'alg'))],
  ['header.type', ({ jwt }) => (jwt === undefined ? undefined : 'JWT')],
  ['header-json', ({ jwt }) => (jwt === undefined ? undefined : compactJson(jwt.headerText))],
  ['payload-json', ({ jwt }) => (jwt === undefined ? undefined : compactJson(jwt.payloadText))],
  ['payload-claim-names', ({ jwt }) => (jwt === undefined ? undefined : listText(Object.keys(jwt.claims)))],
  ['expiry_formatted', (finding) => formattedDate(expiryMs(finding))],
  ['seconds_remaining', remainingSeconds],
  ['time_remaining_formatted', (finding) => formattedDuration(remainingMs(finding))],
  ['is_expired', isExpired],
]);

/** Everything after the prefix is a name, dots and slashes included: `decoded.claim.https://ns.example/x`. */
const BY_PREFIX: readonly (readonly [string, (jwt: DecodedJwt) => JsonObject])[] = [
  ['claim.', (jwt) => jwt.claims],
  ['decoded.claim.', (jwt) => jwt.claims],
  ['header.', (jwt) => jwt.header],
  ['decoded.header.', (jwt) => jwt.header],
];

/** The variables of one run of a policy, each computed when it is read. */
export function tokenVariables(finding: TokenFinding): TokenVariables {
  return (name) => {
    const fixed = BY_NAME.get(name);
    if (fixed !== undefined) return fixed(finding);
    const { jwt } = finding;
    if (jwt === undefined) return undefined;
    const family = BY_PREFIX.find(([prefix]) => name.startsWith(prefix));
    return family === undefined ? undefined : plain(member(family[1](jwt), name.slice(family[0].length)));
  };
}
