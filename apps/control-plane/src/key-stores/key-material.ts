import { KeyObject, randomUUID } from 'node:crypto';
import {
  generateKey,
  isSoundPair,
  jwkFromKey,
  jwkThumbprint,
  keyFactsOf,
  publicJwk,
  type JsonObject,
  type KeyFacts,
  type KeyKind,
} from '#libs/jwt-engine';
import type { ContractWarning, ValidationFault } from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import type { StoredKey } from './domain/key-store.events.ts';
import { algorithmsOfKind } from './domain/key-use.ts';
import { keyFault, readKey, type KeySource, type ReadKey } from './import/read-key.ts';

/** A key that is not stored yet: whole, and so never to be shown. */
export interface NewKey {
  readonly facts: KeyFacts;
  readonly keyId: string;
  /** The only algorithm it is for; null: any that its kind can do. */
  readonly algorithm: string | null;
  readonly thumbprint: string | null;
  readonly jwk: JsonObject;
}

export interface KeyNaming {
  /** What the request says; undefined: the JWK's own, else the thumbprint, else (a secret) a random one. */
  readonly keyId: string | undefined;
  readonly algorithm: string | undefined;
}

/** Visible ASCII and blanks: it stands in headers of tokens and in URLs of people's tools. */
export const KEY_ID = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

function namingFault(facts: KeyFacts, { keyId, algorithm }: KeyNaming): ValidationFault | undefined {
  if (keyId !== undefined && !KEY_ID.test(keyId)) {
    return { field: 'content', code: 'invalid', message: 'content has a kid that is not 1 to 255 visible characters' };
  }
  if (algorithm === undefined || algorithmsOfKind(facts).includes(algorithm)) return undefined;
  const able = algorithmsOfKind(facts).join(', ') || 'no algorithm';
  const message = `content has an alg that the key is not good for; it is good for ${able}`;
  return { field: 'content', code: 'WrongAlgorithm', message };
}

function newKey(key: KeyObject, facts: KeyFacts, { keyId, algorithm }: KeyNaming): NewKey {
  const jwk = jwkFromKey(key);
  const thumbprint = jwkThumbprint(jwk) ?? null;
  return { facts, keyId: keyId ?? thumbprint ?? randomUUID(), algorithm: algorithm ?? null, thumbprint, jwk };
}

function faultOf({ key }: ReadKey, facts: KeyFacts, naming: KeyNaming): ValidationFault | undefined {
  if (isSoundPair(key)) return namingFault(facts, naming);
  const message = 'content holds a private key whose public half belongs to another one';
  return { field: 'content', code: 'InvalidPrivateKey', message };
}

/** @throws DomainError VALIDATION_FAILED on `content` or `password`; its messages never repeat either */
export async function importKey(source: KeySource, keyId: string | undefined): Promise<NewKey> {
  const read = await readKey(source);
  if ('fault' in read) throw invalid([read.fault]);
  const facts = keyFactsOf(read.key);
  if ('ok' in facts) throw invalid([keyFault(facts).fault]);
  const naming = { keyId: keyId ?? read.keyId, algorithm: read.algorithm };
  const fault = faultOf(read, facts, naming);
  if (fault !== undefined) throw invalid([fault]);
  return newKey(read.key, facts, naming);
}

export async function generateNewKey(kind: KeyKind, naming: KeyNaming): Promise<NewKey> {
  const key = await generateKey(kind);
  const facts = keyFactsOf(key);
  if ('ok' in facts) throw new Error(`a key was generated that is not one: ${facts.code}`);
  return newKey(key, facts, naming);
}

/** Puts what is secret of a key into the vault; the rest is for the event. */
export async function storeKey(unit: Unit, vault: SecretVault, { facts, jwk, ...key }: NewKey): Promise<StoredKey> {
  const { keyType, bits, curve, canSign } = facts;
  const named = { ...jwk, kid: key.keyId, use: 'sig', ...(key.algorithm === null ? {} : { alg: key.algorithm }) };
  return {
    ...key,
    ...{ keyType, bits, curve },
    publicJwk: publicJwk(named) ?? null,
    material: canSign ? await vault.put(unit.transaction, 'key-store', JSON.stringify(named)) : null,
    createdAt: unit.now,
  };
}

/** What is risky about a key, or makes it useless. */
export function keyWarnings({ facts }: NewKey, environmentCount: number, isImported: boolean): ContractWarning[] {
  const warnings: ContractWarning[] = [];
  const warn = (field: string, message: string) => warnings.push({ field, message });
  if (!facts.canSign) warn('content', 'only a public key: a policy that signs cannot name it as keyStoreName');
  else if (environmentCount === 0) warn('environmentNameList', 'names none: one key signs in every environment');
  else if (environmentCount > 1 && isImported) warn('environmentNameList', 'these environments share one key');
  if (algorithmsOfKind(facts).length === 0) {
    warn('keySize', `a secret of ${facts.bits} bits is too short for every algorithm: no policy can use it`);
  }
  return warnings;
}
