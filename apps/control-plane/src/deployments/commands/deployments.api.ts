import { z } from 'zod';
import {
  DEPLOY_STRATEGY_SCHEMA,
  environmentsInWaves,
  listContradicts,
  optional,
  wholeNumber,
  withDefault,
  type ValidationFault,
} from '#libs/policy-contracts';
import type { ApiCallFacts } from '../../http/api-call.ts';
import { nameField } from '../../http/bodies/request-bodies.ts';

const text = z.string().max(1000);

/** The descriptions that are left out are the vendor's. */
export const DEPLOY = z.strictObject({
  revision: optional(wholeNumber(1)),
  description: withDefault(text, 'Deployed by APIOPS Api'),
});
export const UNDEPLOY = z.strictObject({ description: withDefault(text, 'Undeployed by APIOPS Api') });

/** The vendor's mark that keeps a row of its limited history; here all rows stay. */
export const DEPLOYMENT_VENDOR_MEMBERS = ['persistent'];

/** `POST X/promote/`; with a strategy its waves name the environments, and `to` may be left out. */
export const PROMOTE = z
  .strictObject({
    from: nameField,
    to: withDefault(z.array(nameField), []),
    revision: optional(wholeNumber(1)),
    description: optional(text),
    deployStrategy: optional(DEPLOY_STRATEGY_SCHEMA),
  })
  .superRefine(({ from, to, deployStrategy }, context) => {
    const refuse = (path: (string | number)[], code: string, message: string): void =>
      context.addIssue({ code: 'custom', path, message, params: { code } });
    if (to.length === 0 && deployStrategy === undefined) {
      refuse(['to'], 'required', 'must name the environments to promote to');
    }
    to.forEach((name, index) => {
      if (to.indexOf(name) < index) refuse(['to', index], 'duplicate', 'names an environment twice');
      if (name === from) refuse(['to', index], 'is_from', 'names the environment that is promoted from');
    });
    deployStrategy?.waves.forEach((wave, at) =>
      wave.forEach((name, index) => {
        if (name !== from) return;
        refuse(['deployStrategy', 'waves', at, index], 'is_from', 'names the environment that is promoted from');
      }),
    );
  });

export const promotionFaults = ({ to, deployStrategy }: z.infer<typeof PROMOTE>): ValidationFault[] =>
  listContradicts(to, deployStrategy, 'to');

const textAt = (name: unknown, path: string) => (typeof name === 'string' ? [{ name, path }] : []);

/** The environments in a body that may be broken otherwise: unknown ones are reported with its other faults. */
export function environmentsInPromotion(body: unknown): { name: string; path: string }[] {
  const { from, to, deployStrategy } = (body ?? {}) as Readonly<Record<string, unknown>>;
  return [
    ...textAt(from, 'from'),
    ...(Array.isArray(to) ? to.flatMap((name, index) => textAt(name, `to[${index}]`)) : []),
    ...environmentsInWaves(deployStrategy, 'deployStrategy'),
  ];
}

export const DEPLOYMENT_CALLS = {
  deploy: {
    tag: 'Deployments',
    summary: 'Deploy the newest revision, or a named one, to an environment',
    description:
      'Again is a new deployment. The revision is checked with the code of the gateways first: what they could not run ' +
      'now is a 400, as is a revision that the proxy never had.',
    permission: 'DEPLOY',
    body: {
      schema: DEPLOY,
      required: false,
      examples: { described: { description: 'release 7' }, 'an earlier revision': { revision: 1 } },
    },
    deploys: true,
  },
  undeploy: {
    tag: 'Deployments',
    summary: 'Take a proxy out of an environment',
    permission: 'DEPLOY',
    body: { schema: UNDEPLOY, required: false, examples: { described: { description: 'retired' } } },
    deploys: true,
  },
  promote: {
    tag: 'Deployments',
    summary: 'Deploy the revision that runs in one environment to others',
    description:
      'A 409 where no acknowledged deployment of the proxy is in `from`, or `revision` is given and another one runs ' +
      'there. `deployStrategy` promotes in waves; the strategy of the project applies where none is given.',
    permission: 'DEPLOY',
    body: {
      schema: PROMOTE,
      examples: {
        'to one': { from: 'staging', to: ['production'] },
        'in waves, if nobody was faster': {
          from: 'staging',
          revision: 1,
          deployStrategy: { waves: [['production-eu'], ['production-us']] },
        },
      },
    },
    deploys: true,
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;
