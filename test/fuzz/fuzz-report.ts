import { type FuzzFailure, type TargetOutcome } from './run-target.ts';

const MOST_GROUPS_SHOWN = 6;

const groupsOf = ({ groups }: TargetOutcome): string => {
  const sorted = [...groups].sort(([, one], [, other]) => other - one);
  const shown = sorted.slice(0, MOST_GROUPS_SHOWN).map(([group, count]) => `${group} ${count}`);
  return shown.join(', ') + (sorted.length > shown.length ? ` and ${sorted.length - shown.length} more` : '');
};

/** Everything needed to see it again. JSON spells what a terminal would not show. */
const failureText = (seed: number, { caseNumber, violation, text, shrunk }: FuzzFailure): string =>
  [
    `  ${violation}`,
    `  seed ${seed}, case ${caseNumber}`,
    `  input   ${JSON.stringify(text)}`,
    `  shrunk  ${JSON.stringify(shrunk)}`,
  ].join('\n');

/** One line a target, and below it what was wrong. */
export function outcomeText(outcome: TargetOutcome): string {
  const { target, seed, cases, failure } = outcome;
  const line = `${failure === undefined ? 'ok    ' : 'FAILED'}  ${target.padEnd(18)} ${String(cases).padStart(8)} cases: ${groupsOf(outcome)}`;
  return failure === undefined ? line : `${line}\n${failureText(seed, failure)}`;
}
