import { z } from 'zod';
import { MAX_PBKDF2_ITERATIONS } from '#libs/jwt-engine';
import { optional, wholeNumber, withDefault } from './nullable-fields.ts';
import { cacheVerifiedTokens, policyBaseFields } from './policy-base.ts';

/** Elements that Apigee's own policy ignores: accepted with a warning, never stored (`verify-jwt.md` 2.2, 3.8). */
export const IGNORED_ELEMENTS = [
  'async',
  'customClaims',
  'customHeaders',
  'expiresIn',
  'faultRules',
  'ignoreCriticalExtensions',
  'includeTyp',
  'properties',
] as const;

export const SECRET_ENCODINGS = ['hex', 'base16', 'base64', 'base64url'] as const;

const anything = optional(z.unknown());
const flag = withDefault(z.boolean(), false);
const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
/** Documentation sees the full form alone; the short ones have to be said. */
const orShort = (...shortTypes: readonly ('string' | 'array')[]) => ({ type: ['object', ...shortTypes] });
const commaList = (maximum: number) =>
  z
    .preprocess(
      (given) => (typeof given === 'string' ? words(given) : given),
      z.array(z.string().max(255)).max(maximum),
    )
    .meta({ type: ['array', 'string'] });

const ref = optional(z.string().max(255));
const text = optional(z.string().max(65_536));
const asValue = (given: unknown): unknown => (typeof given === 'string' ? { value: given } : given);

/** `{value, ref}`, or the text alone. */
const textElement = z.preprocess(asValue, z.strictObject({ value: text, ref })).meta(orShort('string'));
/** `{value, ref}` whose value is a list: an array, a comma text, or `{value, ref}`. */
const listElement = z
  .preprocess(
    (given) => (typeof given === 'string' || Array.isArray(given) ? { value: given } : given),
    z.strictObject({ value: optional(commaList(200)), ref }),
  )
  .meta(orShort('string', 'array'));
/** Names, types and the array mark are read loosely here: their faults have Apigee's names (`verify-jwt-members.ts`). */
const memberElement = z.strictObject({
  name: optional(z.string().max(1000)),
  ref,
  value: text,
  type: optional(z.string()),
  array: anything,
});
const membersElement = z
  .preprocess(
    (given) => (Array.isArray(given) ? { claims: given } : given),
    z.strictObject({ ref, claims: withDefault(z.array(memberElement).max(200), []) }),
  )
  .meta(orShort('array'));

/** RFC 1123 section 2.1, without a port. */
const hostName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/, {
    error: 'must be a host name',
  });

/** The shape of a `policy-verify-jwt` body (contract 4.1 point 1); what its values may be is checked afterwards. */
export const VERIFY_JWT_SCHEMA = z.strictObject({
  type: z.literal('policy-verify-jwt'),
  ...policyBaseFields,
  displayName: optional(z.string().max(255)),
  continueOnError: flag,
  algorithm: optional(commaList(100)),
  jwtType: optional(z.enum(['Signed', 'Encrypted'])),
  source: optional(z.string().max(255)),
  secretKey: optional(
    z.strictObject({ encoding: optional(z.enum(SECRET_ENCODINGS)), ref, value: anything, id: anything }),
  ),
  publicKey: optional(
    z.strictObject({
      value: optional(textElement),
      certificate: optional(textElement),
      jwks: optional(
        z
          .preprocess(asValue, z.strictObject({ value: text, ref, uri: optional(z.string().max(2048)), uriRef: ref }))
          .meta(orShort('string')),
      ),
    }),
  ),
  subject: optional(textElement),
  issuer: optional(textElement),
  audience: optional(textElement),
  id: optional(textElement),
  additionalClaims: optional(membersElement),
  additionalHeaders: optional(membersElement),
  requiredClaims: optional(listElement),
  knownHeaders: optional(listElement),
  ignoreCriticalHeaders: flag,
  ignoreIssuedAt: flag,
  ignoreUnresolvedVariables: flag,
  timeAllowance: optional(textElement),
  maxLifespan: optional(
    z.preprocess(asValue, z.strictObject({ value: text, ref, useIssueTime: flag })).meta(orShort('string')),
  ),
  async: anything,
  customClaims: anything,
  customHeaders: anything,
  expiresIn: anything,
  faultRules: anything,
  ignoreCriticalExtensions: anything,
  includeTyp: anything,
  properties: anything,
  algorithms: optional(z.strictObject({ key: optional(z.string()), content: optional(z.string()) })),
  privateKey: optional(z.strictObject({ ref, passwordRef: ref, value: anything, password: anything, id: anything })),
  passwordKey: optional(
    z.strictObject({
      ref,
      // RFC 7518 section 4.8.1.1: a token with a shorter salt is refused.
      saltLength: optional(wholeNumber(8, 1024)),
      pbkdf2Iterations: optional(wholeNumber(1, MAX_PBKDF2_ITERATIONS)),
      value: anything,
      id: anything,
    }),
  ),
  directKey: optional(
    z.strictObject({ encoding: optional(z.enum(SECRET_ENCODINGS)), ref, value: anything, id: anything }),
  ),
  cacheVerifiedTokens,
  allowedJwksHosts: withDefault(z.array(hostName).max(100), []),
});

export type RawVerifyJwt = z.infer<typeof VERIFY_JWT_SCHEMA>;
export type RawTextElement = z.infer<typeof textElement>;
export type RawListElement = z.infer<typeof listElement>;
export type RawMembersElement = z.infer<typeof membersElement>;
export type RawMember = z.infer<typeof memberElement>;
