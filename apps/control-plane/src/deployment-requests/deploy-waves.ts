import type { DeployStrategy } from '#libs/policy-contracts';
import type { DeploymentTarget } from './deployment-requests.ts';

/**
 * Where a change goes, in the order of a strategy that may name more than that: waves without any of it are left out, and
 * what is in no wave comes last.
 */
export function wavesOf(
  targets: readonly DeploymentTarget[],
  strategy: DeployStrategy | null | undefined,
): DeploymentTarget[][] {
  const waves = strategy?.waves ?? [];
  const inWaves = new Set(waves.flat());
  const ordered = waves.map((names) => targets.filter(({ environmentName }) => names.includes(environmentName)));
  const rest = targets.filter(({ environmentName }) => !inWaves.has(environmentName));
  return [...ordered, rest].filter((wave) => wave.length > 0);
}
