import { z } from 'zod';
import { DEPLOY_STRATEGY_SCHEMA, listContradicts, type DeployStrategy } from './deploy-strategy.ts';
import { optional, withDefault } from './nullable-fields.ts';
import { parseWith, type ContractWarning, type Parsed, type ValidationFault } from './validation-fault.ts';

export const TARGET_SCOPES = ['ALL', 'ENDPOINT'] as const;
export const TARGET_PIPELINES = ['REQUEST', 'RESPONSE', 'ERROR'] as const;
export const ENDPOINT_METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'] as const;
export type TargetPipeline = (typeof TARGET_PIPELINES)[number];
export type EndpointMethod = (typeof ENDPOINT_METHODS)[number];

/** Where a policy stands in its proxy. */
export type PolicyPlace =
  | { readonly scope: 'ALL'; readonly pipeline: TargetPipeline }
  | {
      readonly scope: 'ENDPOINT';
      readonly pipeline: TargetPipeline;
      readonly endpoint: string;
      readonly httpMethod: EndpointMethod;
    };

/** `operationMetadata` of the seed, defaults filled in. */
export interface OperationMetadata {
  readonly place: PolicyPlace;
  readonly deploy: boolean;
  /** Those of the strategy where there is one. */
  readonly environmentNames: readonly string[];
  readonly deployStrategy: DeployStrategy | undefined;
  /** 1 is first; undefined is last (on a change: where it is). */
  readonly order: number | undefined;
}

const schemaWith = (deployDefault: boolean) =>
  z.strictObject({
    targetScope: z.enum(TARGET_SCOPES),
    targetEndpoint: optional(z.string().min(1)),
    targetEndpointHTTPMethod: optional(z.enum(ENDPOINT_METHODS)),
    targetPipeline: z.enum(TARGET_PIPELINES),
    deploy: withDefault(z.boolean(), deployDefault),
    deployTargetEnvironmentNameList: withDefault(z.array(z.string().min(1)), []),
    deployStrategy: optional(DEPLOY_STRATEGY_SCHEMA),
    order: optional(z.int().min(1)),
  });
/** The seed's table for adding and changing: `deploy` defaults to true. */
export const OPERATION_METADATA_SCHEMA = schemaWith(true);
/** The seed's table for deleting: `deploy` defaults to false. */
export const DELETION_METADATA_SCHEMA = schemaWith(false);

type RawMetadata = z.infer<typeof OPERATION_METADATA_SCHEMA>;

function placeOf({ targetPipeline: pipeline, ...raw }: RawMetadata): PolicyPlace | undefined {
  if (raw.targetScope === 'ALL') return { scope: 'ALL', pipeline };
  const { targetEndpoint: endpoint, targetEndpointHTTPMethod: httpMethod } = raw;
  if (endpoint === undefined || httpMethod === undefined) return undefined;
  return { scope: 'ENDPOINT', pipeline, endpoint, httpMethod };
}

/** Looks at the metadata as it came, so that a missing endpoint is reported together with other faults. */
function endpointFaults(input: unknown): ValidationFault[] {
  const raw = (input ?? {}) as Readonly<Record<string, unknown>>;
  if (raw['targetScope'] !== 'ENDPOINT') return [];
  return ['targetEndpoint', 'targetEndpointHTTPMethod'].flatMap((name) => {
    if (raw[name] !== undefined && raw[name] !== null) return [];
    const field = `operationMetadata.${name}`;
    return [{ field, code: 'required', message: `${field} is required when targetScope is ENDPOINT` }];
  });
}

/** A place at an endpoint was named, and the policy will be everywhere. */
function endpointWarnings(raw: RawMetadata): ContractWarning[] {
  if (raw.targetScope === 'ENDPOINT') return [];
  return (['targetEndpoint', 'targetEndpointHTTPMethod'] as const).flatMap((name) => {
    const message = 'has no effect while targetScope is ALL: the policy applies to all endpoints';
    return raw[name] === undefined ? [] : [{ field: `operationMetadata.${name}`, message }];
  });
}

/** `operationMetadata` of a deletion: the endpoint may be left out (contract 4.1). */
export interface DeletionMetadata {
  readonly scope: (typeof TARGET_SCOPES)[number];
  readonly pipeline: TargetPipeline;
  readonly endpoint: string | undefined;
  readonly httpMethod: EndpointMethod | undefined;
  readonly deploy: boolean;
  /** Those of the strategy where there is one. */
  readonly environmentNames: readonly string[];
  readonly deployStrategy: DeployStrategy | undefined;
}

/** Where to deploy, from the list and the strategy together. */
function destinationOf({ deployTargetEnvironmentNameList: list, deployStrategy }: RawMetadata) {
  const names = deployStrategy === undefined ? list : deployStrategy.waves.flat();
  return { environmentNames: [...new Set(names)], deployStrategy };
}

const contradictions = ({ deployTargetEnvironmentNameList: list, deployStrategy }: RawMetadata): ValidationFault[] =>
  listContradicts(list, deployStrategy, 'operationMetadata.deployTargetEnvironmentNameList');

/** Reads `operationMetadata` of a deletion; `deploy` defaults to false (seed). */
export function parseDeletionMetadata(input: unknown): Parsed<DeletionMetadata> {
  const parsed = parseWith(DELETION_METADATA_SCHEMA, input, 'operationMetadata');
  if (!parsed.ok) return parsed;
  const raw = parsed.value;
  const faults = contradictions(raw);
  if (faults.length > 0) return { ok: false, faults };
  const value = {
    scope: raw.targetScope,
    pipeline: raw.targetPipeline,
    endpoint: raw.targetEndpoint,
    httpMethod: raw.targetEndpointHTTPMethod,
    deploy: raw.deploy,
    ...destinationOf(raw),
  };
  return { ok: true, value, warnings: [] };
}

/** Reads `operationMetadata` of an add or a change; `deploy` defaults to true (seed). */
export function parseOperationMetadata(input: unknown): Parsed<OperationMetadata> {
  const parsed = parseWith(OPERATION_METADATA_SCHEMA, input, 'operationMetadata');
  const missing = endpointFaults(input);
  if (!parsed.ok) return { ok: false, faults: [...parsed.faults, ...missing] };
  const { deploy, order } = parsed.value;
  const place = placeOf(parsed.value);
  const faults = [...missing, ...contradictions(parsed.value)];
  if (place === undefined || faults.length > 0) return { ok: false, faults };
  const value = { place, deploy, ...destinationOf(parsed.value), order };
  return { ok: true, value, warnings: endpointWarnings(parsed.value) };
}

/** Environment names in metadata that may be broken otherwise: unknown ones are reported with its other faults. */
export function environmentNamesIn(input: unknown): string[] {
  const list = (input as { deployTargetEnvironmentNameList?: unknown } | null | undefined)
    ?.deployTargetEnvironmentNameList;
  return Array.isArray(list) ? list.filter((name): name is string => typeof name === 'string') : [];
}
