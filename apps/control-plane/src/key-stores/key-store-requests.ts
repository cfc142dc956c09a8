import { z } from 'zod';
import type { KeyCurve, KeyKind } from '#libs/jwt-engine';
import { optional, withDefault, type ContractWarning, type ValidationFault } from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { nameField, readBody } from '../http/bodies/request-bodies.ts';
import { withoutIgnored } from '../http/bodies/vendor-members.ts';
import { algorithmsOfKind } from './domain/key-use.ts';
import { SOURCE_TYPES, type KeySource } from './import/read-key.ts';
import { KEY_ID } from './key-material.ts';

const description = withDefault(z.string().max(1000), '');
const environmentNameList = withDefault(z.array(z.string().min(1)).max(100), []);
const kid = optional(z.string().regex(KEY_ID, { error: 'must be 1 to 255 visible ASCII characters' }));
const content = z.string().min(1).max(100_000);
const password = optional(z.string().max(1000));

const notSupported = (why: string) => ({ error: `is not supported: ${why}`, params: { code: 'not_supported' } });
/** A key that was to end some day must not live on in silence. */
const expirationTime = z
  .unknown()
  .optional()
  .refine((value) => value === undefined || value === null, notSupported('keys do not expire, they are rotated'));
const keyUseType = withDefault(
  z
    .enum(['SIGNATURE', 'ENCRYPTION'])
    .refine((use) => use === 'SIGNATURE', notSupported('keys are for signatures here, not for ENCRYPTION')),
  'SIGNATURE',
);

/** `POST P/jwks/` */
export const KEY_STORE = z.strictObject({
  ...{ name: nameField, description, sourceType: z.enum(SOURCE_TYPES), content, password, kid, environmentNameList },
});

/** `PUT P/jwks/{name}/`: the same; the name may be left out. */
export const KEY_STORE_REPLACEMENT = z.strictObject({ ...KEY_STORE.shape, name: optional(nameField) });

/** The vendor's generate call writes RSA256 where everybody else, its other calls included, writes RS256. */
const RSA_ALGORITHMS = [
  ...['RSA256', 'RSA384', 'RSA512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
] as const;
const CURVE_TYPES = { P256: 'P-256', P384: 'P-384', P521: 'P-521' } as const satisfies Record<string, KeyCurve>;

const RSA = z.strictObject({
  ...{ keySize: z.literal([2048, 3072, 4096]), keyUseType, expirationTime },
  algorithm: optional(z.enum(RSA_ALGORITHMS)),
});
const EC = z.strictObject({
  curveType: z
    .enum(['P256', 'P384', 'P521', 'SECP256K1'])
    .refine((curve) => curve !== 'SECP256K1', notSupported('no algorithm here uses SECP256K1; P256, P384, P521 do')),
  ...{ keyUseType, expirationTime },
  algorithm: optional(z.enum(['ES256', 'ES384', 'ES512'])),
});
const OCT = z.strictObject({
  ...{ keySize: z.literal([128, 192, 256, 384, 512]), keyUseType, expirationTime },
  algorithm: optional(z.enum(['HS256', 'HS384', 'HS512'])),
});

/** `POST P/jwks/generate`, the vendor's body. */
export const GENERATION = z.strictObject({
  ...{ name: nameField, description, kid, environmentNameList },
  type: z
    .enum(['RSA', 'EC', 'OCT', 'OKP'])
    .refine((type) => type !== 'OKP', notSupported('no algorithm here uses OKP; RSA, EC and OCT are')),
  ...{ rsa: optional(RSA), ec: optional(EC), oct: optional(OCT), okp: z.unknown().optional() },
});

/** Key ids are thumbprints, or given; keys are valid at once; password-based encryption is not what oct keys are for. */
const IGNORED_OF_GENERATION = [
  ...['rsa', 'ec', 'oct'].flatMap((type) => [`${type}.keyIdType`, `${type}.notBeforeTime`]),
  ...['oct.passwordSaltLength', 'oct.passwordIterationCount'],
];

export interface KeyStoreNaming {
  readonly name: string;
  readonly description: string;
  readonly environmentNames: readonly string[];
  readonly keyId: string | undefined;
}

export interface ImportRequest extends KeyStoreNaming {
  readonly source: KeySource;
}

export interface GenerationRequest extends KeyStoreNaming {
  readonly kind: KeyKind;
  readonly algorithm: string | undefined;
}

export const fault = (field: string, code: string, message: string): ValidationFault => ({
  ...{ field, code, message: `${field} ${message}` },
});

export function twiceNamed(names: readonly string[]): ValidationFault[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [fault(`environmentNameList[${index}]`, 'invalid', 'names an environment twice')]
      : [],
  );
}

/** A password that nothing is opened with was meant for something: it is not ignored. An empty one was meant for nothing. */
export function passwordFaults({
  sourceType,
  password,
}: {
  sourceType?: string | undefined;
  password?: string | undefined;
}) {
  if ((password ?? '') === '' || sourceType === 'PEM' || sourceType === 'PKCS12') return [];
  return [fault('password', 'invalid', 'is only for sourceType PEM and PKCS12')];
}

export function refuseAny(faults: readonly ValidationFault[]): void {
  if (faults.length > 0) throw invalid(faults);
}

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readImport(body: unknown): ImportRequest {
  return importOf(readBody(KEY_STORE, body));
}

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readReplacement(name: string, body: unknown): ImportRequest {
  const raw = readBody(KEY_STORE_REPLACEMENT, body);
  const differs = raw.name !== undefined && raw.name !== name;
  return importOf(
    { ...raw, name },
    differs ? [fault('name', 'invalid', 'differs from the name in the path, and names do not change')] : [],
  );
}

function importOf(raw: z.infer<typeof KEY_STORE>, others: readonly ValidationFault[] = []): ImportRequest {
  refuseAny([...others, ...twiceNamed(raw.environmentNameList), ...passwordFaults(raw)]);
  const { name, description: text, sourceType } = raw;
  return {
    ...{ name, description: text, environmentNames: raw.environmentNameList, keyId: raw.kid },
    source: { sourceType, content: raw.content, password: raw.password },
  };
}

type Generation = z.infer<typeof GENERATION>;

function kindIn({ type, rsa, ec, oct }: Generation): KeyKind | undefined {
  if (type === 'RSA') return rsa === undefined ? undefined : { keyType: 'RSA', bits: rsa.keySize };
  if (type === 'OCT') return oct === undefined ? undefined : { keyType: 'oct', bits: oct.keySize };
  const curve = ec === undefined ? undefined : Object.entries(CURVE_TYPES).find(([name]) => name === ec.curveType)?.[1];
  return curve === undefined ? undefined : { keyType: 'EC', curve };
}

const algorithmIn = ({ type, rsa, ec, oct }: Generation): string | undefined => {
  if (type === 'RSA') return rsa?.algorithm?.replace(/^RSA/, 'RS');
  return type === 'OCT' ? oct?.algorithm : ec?.algorithm;
};

function generationFaults(
  raw: Generation,
  kind: KeyKind | undefined,
  algorithm: string | undefined,
): ValidationFault[] {
  const member = raw.type.toLowerCase();
  const others = (['rsa', 'ec', 'oct', 'okp'] as const)
    .filter((name) => name !== member && raw[name] !== undefined && raw[name] !== null)
    .map((name) => fault(name, 'invalid', `does not belong to type ${raw.type}`));
  const faults = [...twiceNamed(raw.environmentNameList), ...others];
  if (kind === undefined) return [...faults, fault(member, 'required', `is required when type is ${raw.type}`)];
  const able = algorithmsOfKind({ bits: 0, curve: null, ...kind });
  if (algorithm === undefined || able.includes(algorithm)) return faults;
  const list = able.join(', ') || 'no algorithm';
  return [...faults, fault(`${member}.algorithm`, 'invalid', `must fit the key, which is good for ${list}`)];
}

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readGeneration(body: unknown): { request: GenerationRequest; warnings: readonly ContractWarning[] } {
  const { body: meant, warnings } = withoutIgnored(body, IGNORED_OF_GENERATION);
  const raw = readBody(GENERATION, meant);
  const [kind, algorithm] = [kindIn(raw), algorithmIn(raw)];
  refuseAny(generationFaults(raw, kind, algorithm));
  if (kind === undefined) throw new Error('unreachable: refused above');
  const { name, description: text, environmentNameList: environmentNames } = raw;
  return { request: { name, description: text, environmentNames, keyId: raw.kid, kind, algorithm }, warnings };
}
