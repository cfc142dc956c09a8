import { type FuzzFailure, type TargetOutcome } from './run-target.ts';

const MOST_GROUPS_SHOWN = 6;
/** Of an input; the command shows it whole again. */
const MOST_CHARACTERS_SHOWN = 4_000;

const groupsOf = ({ groups }: TargetOutcome): string => {
  const sorted = [...groups].sort(([, one], [, other]) => other - one);
  const shown = sorted.slice(0, MOST_GROUPS_SHOWN).map(([group, count]) => `${group} ${count}`);
  return shown.join(', ') + (sorted.length > shown.length ? ` and ${sorted.length - shown.length} more` : '');
};

/** JSON spells what a terminal would not show. */
const shown = (text: string): string => {
  const rest = text.length - MOST_CHARACTERS_SHOWN;
  return JSON.stringify(text.slice(0, MOST_CHARACTERS_SHOWN)) + (rest > 0 ? ` and ${rest} characters more` : '');
};

/** The command that shows one case again. */
export const repeatCommand = (target: string, seed: number, caseNumber: number): string =>
  `npm run fuzz -- --target ${target} --seed ${seed} --case ${caseNumber}`;

/** Everything needed to see it again. */
const failureText = ({ target, seed }: TargetOutcome, { caseNumber, violation, text, shrunk }: FuzzFailure): string =>
  [
    `  ${violation}`,
    `  seed ${seed}, case ${caseNumber}; again: ${repeatCommand(target, seed, caseNumber)}`,
    `  input   ${shown(text)}`,
    `  shrunk  ${shown(shrunk)}`,
  ].join('\n');

/** One line a target, and below it what was wrong. */
export function outcomeText(outcome: TargetOutcome, tookMs?: number): string {
  const { target, cases, slowestMs, failure } = outcome;
  const speed = tookMs === undefined ? '' : ` in ${(tookMs / 1_000).toFixed(1)} s, ${perSecond(cases, tookMs)}`;
  const line = `${failure === undefined ? 'ok    ' : 'FAILED'}  ${target.padEnd(18)} ${String(cases).padStart(8)} cases${speed}`;
  const found = `${line}, slowest ${slowestMs.toFixed(0)} ms: ${groupsOf(outcome)}`;
  return failure === undefined ? found : `${found}\n${failureText(outcome, failure)}`;
}

export const perSecond = (cases: number, tookMs: number): string =>
  `${Math.round((cases * 1_000) / Math.max(1, tookMs))} a second`;
