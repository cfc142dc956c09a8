import { SetMetadata } from '@nestjs/common';
import type { z } from 'zod';

/** What a token may be given in a project (contract part 4). ADMIN implies the others, each of them implies VIEW. */
export const PERMISSIONS = ['VIEW', 'MANAGE', 'DEPLOY', 'ADMIN'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Groups of calls in the OpenAPI document. */
export type ApiTag =
  | 'Tokens'
  | 'Projects'
  | 'Environments'
  | 'API proxies'
  | 'Endpoints'
  | 'Policies'
  | 'Settings'
  | 'Credentials'
  | 'Environment variables'
  | 'Keys'
  | 'Deployments'
  | 'History'
  | 'Documentation';

export interface ApiBody {
  /** The schema that validates it. */
  readonly schema: z.ZodType;
  /** Default: true. */
  readonly required?: boolean;
  /** By name; each is accepted as it stands wherever the names in it exist. At least one. */
  readonly examples: Readonly<Record<string, unknown>>;
  /** Default: `application/json` alone. The others are described in words. */
  readonly mediaTypes?: readonly string[];
}

/** What a call is, said once: the guard asks for its permission, the OpenAPI document shows all of it. */
export interface ApiCallFacts {
  readonly tag: ApiTag;
  /** One line. */
  readonly summary: string;
  readonly description?: string;
  /**
   * What the token needs: in the project of the path, or, where the path has none, in all projects. `ANY_TOKEN`: a valid
   * token is enough; the call itself shows only what the token may see.
   */
  readonly permission: Permission | 'ANY_TOKEN';
  /** The permission is needed in all projects although the path names one: not even its administrator may do this. */
  readonly isForAllProjects?: boolean;
  /** Names and meanings of the query's parameters; all are texts. */
  readonly query?: Readonly<Record<string, { readonly description: string; readonly required?: boolean }>>;
  readonly body?: ApiBody;
  /** One item of `resultList`, as an example. Left out: the answer has no `resultList`. */
  readonly result?: unknown;
  /** The answer has a `deploymentResult`. */
  readonly deploys?: boolean;
  /** What a call answers with that has no envelope. */
  readonly answer?: { readonly mediaType: string; readonly example?: unknown };
  /** Needs no token at all. */
  readonly isPublic?: boolean;
}

export const API_CALL = Symbol('API_CALL');

/** Every handler under `/apiops` bears it. */
export const ApiCall = (facts: ApiCallFacts): MethodDecorator => SetMetadata(API_CALL, facts);
