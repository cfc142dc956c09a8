import { z } from 'zod';
import { optional } from '#libs/policy-contracts';
import { PERMISSIONS, type ApiCallFacts } from '../http/api-call.ts';
import { nameField } from '../http/bodies/request-bodies.ts';
import { ALL_PROJECTS } from './project-names.ts';

/** Nobody names so many; more are better served by `*`. */
const MOST_PROJECTS = 1_000;

const PROJECTS = z
  .array(z.union([z.literal(ALL_PROJECTS), nameField], { error: 'must be the name of a project, or "*" for all' }))
  .min(1)
  .max(MOST_PROJECTS);

/** The decider asks again; here it is told together with the other faults. */
const EXPIRES_AT = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 date and time' })
  .refine((text) => !(Date.parse(text) <= Date.now()), {
    error: 'must be in the future',
    params: { code: 'out_of_range' },
  });

export const CREATE_TOKEN = z.strictObject({
  name: nameField,
  permissions: z.array(z.enum(PERMISSIONS)).min(1),
  projects: PROJECTS,
  expiresAt: optional(EXPIRES_AT),
});
/** The list alone, to look its names up although something else is wrong. */
export const PROJECTS_ALONE = z.looseObject({ projects: PROJECTS });

const EXAMPLE = {
  name: 'ci',
  permissions: ['MANAGE', 'DEPLOY'],
  projects: ['shop'],
  expiresAt: '2099-12-31T00:00:00.000Z',
};
const SHOWN = { ...EXAMPLE, permissions: ['MANAGE', 'DEPLOY'], createdAt: '2026-11-21T09:00:00.000Z' };

export const TOKEN_CALLS = {
  list: {
    tag: 'Tokens',
    summary: 'Tokens, without the tokens themselves',
    permission: 'ADMIN',
    result: SHOWN,
  },
  create: {
    tag: 'Tokens',
    summary: 'Make a token',
    description:
      'The token is in this answer and nowhere else. ADMIN implies the other permissions, each of them implies VIEW. ' +
      '`projects` are names, or `["*"]` for all there are and will be; a project that is deleted and made again under ' +
      'its name is another one.',
    permission: 'ADMIN',
    body: {
      schema: CREATE_TOKEN,
      examples: {
        pipeline: EXAMPLE,
        reader: { name: 'dashboard', permissions: ['VIEW'], projects: [ALL_PROJECTS], expiresAt: null },
      },
    },
    result: { ...SHOWN, token: 'gwt_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
  },
  revoke: {
    tag: 'Tokens',
    summary: 'Revoke a token',
    description: 'At once, with every access token that was got with it. Its name may be used again.',
    permission: 'ADMIN',
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;
