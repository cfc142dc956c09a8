import { z } from 'zod';
import {
  AUTH_JWT_SCHEMA,
  DELETION_METADATA_SCHEMA,
  OPERATION_METADATA_SCHEMA,
  policyBaseFields,
  RAISE_FAULT_SCHEMA,
  VERIFY_JWT_SCHEMA,
  type ValidationFault,
} from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { requireJson, TextBody } from '../http/body-parsers.ts';

/** `policy-verify-jwt` as Apigee's XML inside JSON (contract 4.1, the second of the three ways in). */
const VERIFY_JWT_XML_SCHEMA = z.strictObject({
  type: z.literal('policy-verify-jwt'),
  xml: z.string(),
  ...policyBaseFields,
});

/** The shapes of a request's body, for the documentation; what they mean together is `readPolicy`'s to judge. */
export const POLICY_REQUEST = z.strictObject({
  operationMetadata: OPERATION_METADATA_SCHEMA,
  policy: z.union([AUTH_JWT_SCHEMA, VERIFY_JWT_SCHEMA, VERIFY_JWT_XML_SCHEMA, RAISE_FAULT_SCHEMA]),
});
export const POLICY_DELETION = z.strictObject({ operationMetadata: DELETION_METADATA_SCHEMA });

export type QueryParameters = Readonly<Record<string, string | readonly string[]>>;

/** Members of a request and the faults of its outermost shape. */
export interface RequestMembers {
  readonly members: Readonly<Record<string, unknown>>;
  readonly faults: readonly ValidationFault[];
}

/** A body's members; anything else in it, and anything but an object, is a fault. @throws DomainError VALIDATION_FAILED */
function membersOf(body: unknown, known: readonly string[]): RequestMembers {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([
      { field: 'body', code: 'wrong_type', message: `body must be an object with ${known.join(' and ')}` },
    ]);
  }
  const members = body as Record<string, unknown>;
  const faults = Object.keys(members)
    .filter((name) => !known.includes(name))
    .map((name) => ({ field: name, code: 'unknown_field', message: `${name} is not a known field` }));
  return { members, faults };
}

const flagIn = (text: unknown): unknown => (text === 'true' || text === 'false' ? text === 'true' : text);
const numberIn = (text: unknown): unknown =>
  typeof text === 'string' && /^-?\d{1,15}$/.test(text) ? Number(text) : text;

/** `operationMetadata` as query parameters, for calls whose body has no room for it (contract 4.1). */
function metadataInQuery(query: QueryParameters): Record<string, unknown> {
  if (Object.keys(query).length === 0) return {};
  const { deploy, deployTargetEnvironmentNameList: list, order, ...texts } = query;
  const names = list === undefined ? undefined : [list].flat().flatMap((text) => text.split(','));
  return {
    operationMetadata: {
      ...texts,
      deploy: flagIn(deploy),
      deployTargetEnvironmentNameList: names,
      order: numberIn(order),
    },
  };
}

/**
 * The members of an add or a change: a JSON body, or an XML one with `operationMetadata` in the query.
 *
 * @throws DomainError VALIDATION_FAILED, UnsupportedMediaTypeException
 */
export function policyRequestOf(body: unknown, query: QueryParameters): RequestMembers {
  if (body instanceof TextBody && body.mediaType === 'application/xml') {
    const policy = { type: 'policy-verify-jwt', xml: body.text };
    return { members: { ...metadataInQuery(query), policy }, faults: [] };
  }
  return membersOf(requireJson(body), ['operationMetadata', 'policy']);
}

/** The member of a deletion, from a body or from the query. @throws as `policyRequestOf` */
export const policyDeletionOf = (body: unknown, query: QueryParameters): RequestMembers =>
  membersOf(requireJson(body) ?? metadataInQuery(query), ['operationMetadata']);
