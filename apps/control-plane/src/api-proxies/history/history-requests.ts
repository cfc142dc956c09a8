import { z } from 'zod';
import { optional, withDefault, wholeNumber } from '#libs/policy-contracts';
import { nameField } from '../../http/bodies/request-bodies.ts';

/** A number in a query or a path. */
const numberText = (minimum: number, maximum?: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, { error: 'must be a whole number' })
    .transform(Number)
    .pipe(wholeNumber(minimum, maximum));

const LIMIT_RANGE = [1, 1000] as const;
const LIMIT = withDefault(numberText(...LIMIT_RANGE), 100);

/** `?after=&limit=` of lists that grow at their end. */
export const PAGE = z.strictObject({ after: withDefault(numberText(0), 0), limit: LIMIT });
/** `?from=&to=` */
export const COMPARISON = z.strictObject({ from: optional(numberText(0)), to: optional(numberText(1)) });
/** `{revision}` of a path. */
export const REVISION = z.object({ revision: numberText(0) });

/** `?environmentName=&before=&limit=`; without a limit as many as the settings say. */
export const DEPLOYMENT_FILTER = z
  .strictObject({
    environmentName: optional(nameField),
    before: optional(numberText(1)),
    limit: optional(numberText(...LIMIT_RANGE)),
  })
  .refine(({ before, environmentName }) => before === undefined || environmentName !== undefined, {
    path: ['environmentName'],
    error: 'is required with before: deployments are numbered per environment',
  });
/** `{deployment}` of a path: its numbers rise per environment, so that it takes the environment's name to be one. */
export const DEPLOYMENT = z.object({ deployment: numberText(0) });
export const IN_ENVIRONMENT = z.strictObject({ environmentName: nameField });

const description = optional(z.string().max(1000));
export const DEPLOYMENT_ROLLBACK = z.strictObject({ description });
export const REVISION_ROLLBACK = z.strictObject({
  deploy: withDefault(z.boolean(), false),
  deployTargetEnvironmentNameList: withDefault(z.array(nameField), []),
  description,
});
