import type { DecodedJwt, JsonValue } from '#libs/jwt-engine';
import type { TokenVariables } from '../exchange/exchange.ts';
import type { VariableValue } from '../exchange/variable-source.ts';
import { TokenPart } from './token-part.ts';
import { formattedDate, formattedDuration, millisecondsOf } from './token-times.ts';

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

/** A verified token, while its variables are read. */
interface ReadToken {
  readonly claims: TokenPart;
  readonly header: TokenPart;
  readonly nowMs: number;
  readonly allowanceMs: number;
}

const readTokenOf = (jwt: DecodedJwt, { nowMs, allowanceSeconds }: TokenFinding): ReadToken => ({
  claims: new TokenPart(jwt.claims, jwt.payloadText),
  header: new TokenPart(jwt.header, jwt.headerText),
  nowMs,
  allowanceMs: allowanceSeconds * 1000,
});

const claim = ({ claims: { values } }: ReadToken, name: string): JsonValue | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined;

const expiryMs = (token: ReadToken): number | undefined => millisecondsOf(claim(token, 'exp'));
const remainingMs = (token: ReadToken): number | undefined => {
  const expiry = expiryMs(token);
  return expiry === undefined ? undefined : expiry - token.nowMs;
};
const remainingSeconds = (token: ReadToken): number | undefined => {
  const remaining = remainingMs(token);
  // Adding zero makes minus zero zero.
  return remaining === undefined ? undefined : Math.trunc(remaining / 1000) + 0;
};
const isExpired = (token: ReadToken): boolean => {
  const expiry = expiryMs(token);
  return expiry !== undefined && token.nowMs >= expiry + token.allowanceMs;
};

/** What is known without a token that may be published (`verify-jwt.md` 6.3). */
const OF_EVERY_RUN: ReadonlyMap<string, (finding: TokenFinding) => VariableValue> = new Map<
  string,
  (finding: TokenFinding) => VariableValue
>([
  ['valid', ({ isValid }) => isValid],
  ['failed', ({ isValid }) => !isValid],
  ['error', ({ error }) => error],
]);

type Read = (token: ReadToken) => VariableValue;

/** Variables with a fixed name (`verify-jwt.md` 6.1). To add one is to add a line. */
const OF_A_TOKEN: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['claim.subject', ({ claims }) => claims.variable('sub')],
  ['claim.issuer', ({ claims }) => claims.variable('iss')],
  ['claim.id', ({ claims }) => claims.variable('jti')],
  ['claim.audience', ({ claims }) => claims.asListText('aud')],
  ['claim.expiry', expiryMs],
  ['claim.issuedat', (token) => millisecondsOf(claim(token, 'iat'))],
  ['claim.notbefore', (token) => millisecondsOf(claim(token, 'nbf'))],
  ['decoded.claim.aud', ({ claims }) => claims.asJsonList('aud')],
  ['header.algorithm', ({ header }) => header.variable('alg')],
  ['header.type', () => 'JWT'],
  ['header-json', ({ header }) => header.json],
  ['payload-json', ({ claims }) => claims.json],
  ['payload-claim-names', ({ claims }) => claims.names],
  ['expiry_formatted', (token) => formattedDate(expiryMs(token))],
  ['seconds_remaining', remainingSeconds],
  ['time_remaining_formatted', (token) => formattedDuration(remainingMs(token))],
  ['is_expired', isExpired],
]);

/** Everything after the prefix is a name, dots and slashes included: `decoded.claim.https://ns.example/x`. */
const BY_PREFIX: readonly (readonly [string, 'claims' | 'header'])[] = [
  ['claim.', 'claims'],
  ['decoded.claim.', 'claims'],
  ['header.', 'header'],
  ['decoded.header.', 'header'],
];

/** Everything that can be read behind `jwt.<policy name>.`, and the families of it. */
export const TOKEN_VARIABLE_NAMES: readonly string[] = [
  ...OF_EVERY_RUN.keys(),
  ...OF_A_TOKEN.keys(),
  ...BY_PREFIX.map(([prefix]) => prefix),
];

function variableOf(token: ReadToken, name: string): VariableValue {
  const fixed = OF_A_TOKEN.get(name);
  if (fixed !== undefined) return fixed(token);
  const family = BY_PREFIX.find(([prefix]) => name.startsWith(prefix));
  return family && token[family[1]].variable(name.slice(family[0].length));
}

/** The variables of one run of a policy: nothing is computed before it is read. */
export function tokenVariables(finding: TokenFinding): TokenVariables {
  let token: ReadToken | undefined;
  return (name) => {
    const known = OF_EVERY_RUN.get(name);
    if (known !== undefined) return known(finding);
    if (finding.jwt === undefined) return undefined;
    return variableOf((token ??= readTokenOf(finding.jwt, finding)), name);
  };
}
