import { z } from 'zod';
import { optional, withDefault } from '#libs/policy-contracts';
import { parseRedisUrl, REDIS_URL_FORM } from '#libs/redis-clients';
import { invalidField } from '../decider/domain-error.ts';
import { nameField, readBody } from '../http/bodies/request-bodies.ts';
import type { ExpiresInUnit } from './domain/environment.decider.ts';

const settings = {
  description: withDefault(z.string().max(1000), ''),
  redisUrl: optional(
    z
      .string()
      .max(2000)
      .refine((text) => parseRedisUrl(text) !== undefined, { error: `must be ${REDIS_URL_FORM}` }),
  ),
  // What GET says; the address itself is never told.
  ownRedis: optional(z.boolean()),
  tokenIssuer: optional(
    z
      .string()
      .min(1)
      .max(255)
      .regex(/^\P{Cc}*$/u, { error: 'must hold no control characters' }),
  ),
  expiresInUnit: withDefault(z.enum(['SECONDS', 'MILLISECONDS']), 'SECONDS'),
};

export const NEW_ENVIRONMENT_SCHEMA = z.strictObject({ name: nameField, ...settings });
export const ENVIRONMENT_SCHEMA = z.strictObject({ name: optional(z.string()), ...settings });

/** An own Redis by its address, the one that the environment has, or that of the control plane. */
export type WantedRedis =
  | { readonly kind: 'own'; readonly url: string }
  /** Nobody can read the address back, so whoever leaves it out means the one that is there. */
  | { readonly kind: 'kept' }
  /** The environment has one of its own, whose address stays. */
  | { readonly kind: 'own-kept' }
  | { readonly kind: 'shared' };

export interface EnvironmentRequest {
  readonly name: string;
  readonly description: string;
  readonly redis: WantedRedis;
  readonly tokenIssuer: string;
  readonly expiresInUnit: ExpiresInUnit;
}

/** @throws DomainError VALIDATION_FAILED */
function redisIn({
  redisUrl,
  ownRedis,
}: {
  redisUrl?: string | undefined;
  ownRedis?: boolean | undefined;
}): WantedRedis {
  if (redisUrl !== undefined) {
    if (ownRedis !== false) return { kind: 'own', url: redisUrl };
    throw invalidField('redisUrl', 'invalid', 'redisUrl must be left out when ownRedis is false');
  }
  if (ownRedis === undefined) return { kind: 'kept' };
  return { kind: ownRedis ? 'own-kept' : 'shared' };
}

const issuerOf = (name: string, given: string | undefined): string =>
  given ?? `https://gatewarden/${encodeURIComponent(name)}`;

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readNewEnvironment(body: unknown): EnvironmentRequest {
  const { redisUrl, ownRedis, tokenIssuer, ...rest } = readBody(NEW_ENVIRONMENT_SCHEMA, body);
  const redis = redisIn({ redisUrl, ownRedis });
  if (redis.kind === 'own-kept') throw noOwnRedis();
  return { ...rest, redis, tokenIssuer: issuerOf(rest.name, tokenIssuer) };
}

/** The same body as for a new one, for the environment of a path. @throws DomainError VALIDATION_FAILED */
export function readEnvironment(name: string, body: unknown): EnvironmentRequest {
  const { name: named, redisUrl, ownRedis, tokenIssuer, ...rest } = readBody(ENVIRONMENT_SCHEMA, body);
  if (named !== undefined && named !== name) {
    throw invalidField('name', 'invalid', 'name differs from the name in the path: an environment keeps its name');
  }
  return { ...rest, name, redis: redisIn({ redisUrl, ownRedis }), tokenIssuer: issuerOf(name, tokenIssuer) };
}

export const noOwnRedis = () =>
  invalidField('redisUrl', 'required', 'redisUrl is required when ownRedis is true: the environment has none');
