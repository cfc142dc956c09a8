import { z } from 'zod';
import { withDefault } from '#libs/policy-contracts';
import type { ApiCallFacts } from '../http/api-call.ts';
import { nameField } from '../http/bodies/request-bodies.ts';

export const CREATE_PROJECT = z.strictObject({ name: nameField, description: withDefault(z.string().max(1000), '') });

const EXAMPLE = { name: 'shop', description: 'Everything the shop offers' };

export const PROJECT_CALLS = {
  list: {
    tag: 'Projects',
    summary: 'Projects that the token may see',
    permission: 'ANY_TOKEN',
    result: EXAMPLE,
  },
  create: {
    tag: 'Projects',
    summary: 'Make a project',
    description: 'Needs ADMIN in all projects. Tokens that are good for named projects do not open the new one.',
    permission: 'ADMIN',
    body: { schema: CREATE_PROJECT, examples: { project: EXAMPLE, 'without description': { name: 'warehouse' } } },
    result: EXAMPLE,
  },
  remove: {
    tag: 'Projects',
    summary: 'Delete a project',
    description: 'One that still has proxies, credentials, variables or keys is a 409.',
    permission: 'ADMIN',
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;
