import { z } from 'zod';
import { withDefault } from '#libs/policy-contracts';
import type { ApiCallFacts } from '../../http/api-call.ts';

/** The vendor's defaults. */
export const DEPLOY = z.strictObject({ description: withDefault(z.string().max(1000), 'Deployed by APIOPS Api') });
export const UNDEPLOY = z.strictObject({ description: withDefault(z.string().max(1000), 'Undeployed by APIOPS Api') });

export const DEPLOYMENT_CALLS = {
  deploy: {
    tag: 'Deployments',
    summary: 'Deploy the newest revision to an environment',
    permission: 'DEPLOY',
    body: { schema: DEPLOY, required: false, examples: { described: { description: 'release 7' } } },
    deploys: true,
  },
  undeploy: {
    tag: 'Deployments',
    summary: 'Take a proxy out of an environment',
    permission: 'DEPLOY',
    body: { schema: UNDEPLOY, required: false, examples: { described: { description: 'retired' } } },
    deploys: true,
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;
