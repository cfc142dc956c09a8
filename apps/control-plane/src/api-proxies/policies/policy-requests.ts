import { z } from 'zod';
import {
  AUTH_JWT_SCHEMA,
  DELETION_METADATA_SCHEMA,
  OPERATION_METADATA_SCHEMA,
  parseSentPolicy,
  pathStep,
  policyBaseFields,
  RAISE_FAULT_SCHEMA,
  VERIFY_JWT_SCHEMA,
  type Parsed,
  type PolicyContract,
  type ValidationFault,
} from '#libs/policy-contracts';
import { invalid } from '../../decider/domain-error.ts';
import { requireJson, TextBody } from '../../http/bodies/body-parsers.ts';
import { faultsIn } from '../../http/bodies/request-bodies.ts';

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
  /** Whether `operationMetadata` is looked for in the query. */
  readonly isInQuery?: boolean;
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
    .map((name) => ({
      field: pathStep(name),
      code: 'unknown_field',
      message: `${pathStep(name)} is not a known field`,
    }));
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
    return { members: { ...metadataInQuery(query), policy }, faults: [], isInQuery: true };
  }
  return membersOf(requireJson(body), ['operationMetadata', 'policy']);
}

/** The member of a deletion, from a body or from the query. @throws as `policyRequestOf` */
export function policyDeletionOf(body: unknown, query: QueryParameters): RequestMembers {
  const json = requireJson(body);
  return {
    ...membersOf(json ?? metadataInQuery(query), ['operationMetadata']),
    isInQuery: json === undefined || json === null,
  };
}

/**
 * A policy of nothing but the condition of one that cannot be read: only what can be read is linked, and what is wrong
 * with the condition is to be said beside the other faults.
 */
export function conditionAlone(policy: unknown, policyName: string): PolicyContract | undefined {
  const condition = (policy as { readonly condition?: unknown } | null | undefined)?.condition;
  if (typeof condition !== 'string') return undefined;
  const parsed = parseSentPolicy({ type: 'policy-raise-fault', condition, statusCode: 403 }, policyName);
  return parsed.ok ? parsed.value : undefined;
}

const MISSING_IN_QUERY =
  'operationMetadata is required: as query parameters, like ?targetScope=ALL&targetPipeline=REQUEST, or in a JSON body';

/** The faults of `operationMetadata`; where the body has no room for it, its absence says where it belongs. */
export function metadataFaults({ isInQuery }: RequestMembers, metadata: Parsed<unknown>): ValidationFault[] {
  return faultsIn(metadata).map((fault) =>
    isInQuery === true && fault.field === 'operationMetadata' && fault.code === 'required'
      ? { ...fault, message: MISSING_IN_QUERY }
      : fault,
  );
}
