import { z } from 'zod';
import { wholeNumber, withDefault } from './nullable-fields.ts';
import type { ValidationFault } from './validation-fault.ts';

/** How a deployment goes from environment to environment (contract 4.3). */
export interface DeployStrategy {
  /** Names of environments; a wave begins when the one before it is acknowledged. */
  readonly waves: readonly (readonly string[])[];
  /** Whether an environment that fails keeps later waves from beginning. */
  readonly stopOnFailure: boolean;
  /** Of the live gateways of an environment; 1 to 100. */
  readonly minAppliedPercent: number;
}

export const DEPLOY_STRATEGY_SCHEMA = z
  .strictObject({
    waves: z.array(z.array(z.string().min(1)).min(1)).min(1),
    stopOnFailure: withDefault(z.boolean(), true),
    minAppliedPercent: withDefault(wholeNumber(1, 100), 100),
  })
  .superRefine(({ waves }, context) => {
    const seen = new Set<string>();
    waves.forEach((wave, at) =>
      wave.forEach((name, index) => {
        if (seen.has(name)) {
          const message = 'names an environment twice: each belongs to one wave';
          context.addIssue({ code: 'custom', path: ['waves', at, index], message, params: { code: 'duplicate' } });
        }
        seen.add(name);
      }),
    );
  });

/** The names in a strategy that may be broken otherwise, each with its path: unknown ones are reported with other faults. */
export function environmentsInWaves(strategy: unknown, field: string): { name: string; path: string }[] {
  const waves = (strategy as { waves?: unknown } | null | undefined)?.waves;
  if (!Array.isArray(waves)) return [];
  const prefix = field === '' ? 'waves' : `${field}.waves`;
  return (waves as unknown[]).flatMap((wave, at) =>
    (Array.isArray(wave) ? (wave as unknown[]) : []).flatMap((name, index) =>
      typeof name === 'string' ? [{ name, path: `${prefix}[${at}][${index}]` }] : [],
    ),
  );
}

/** A list beside a strategy must say the same: the strategy alone decides where it goes. */
export function listContradicts(
  names: readonly string[],
  strategy: DeployStrategy | undefined,
  field: string,
): ValidationFault[] {
  if (strategy === undefined || names.length === 0) return [];
  const inWaves = new Set(strategy.waves.flat());
  const isSame = new Set(names).size === inWaves.size && names.every((name) => inWaves.has(name));
  if (isSame) return [];
  const message = `${field} must be left out beside a deployStrategy, or name the environments of its waves`;
  return [{ field, code: 'contradicts_deploy_strategy', message }];
}
