import type { PolicyContract } from '#libs/policy-contracts';

/** Which of these variables policies may read. Text search takes a few too many and never one too few. */
export function variablesNamedBy(policies: readonly PolicyContract[], names: readonly string[]): string[] {
  const text = JSON.stringify(policies);
  return names.filter((name) => text.includes(JSON.stringify(name).slice(1, -1))).sort();
}
