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

/** Whether a target failed, or its turn never came: then nothing is known of it. */
export function verdictOf({ cases, failure, unreached }: TargetOutcome): 'ok' | 'FAILED' | 'not run' {
  if (failure !== undefined || unreached.length > 0) return 'FAILED';
  return cases === 0 ? 'not run' : 'ok';
}

/** One line a target, and below it what was wrong. */
export function outcomeText(outcome: TargetOutcome, tookMs?: number): string {
  const { target, cases, slowestMs, failure, unreached } = outcome;
  const verdict = verdictOf(outcome);
  if (verdict === 'not run') return `not run ${target}`;
  const speed = tookMs === undefined ? '' : ` in ${(tookMs / 1_000).toFixed(1)} s, ${perSecond(cases, tookMs)}`;
  const line = `${verdict.padEnd(7)} ${target.padEnd(18)} ${String(cases).padStart(8)} cases${speed}`;
  const found = `${line}, slowest ${slowestMs.toFixed(0)} ms: ${groupsOf(outcome)}`;
  const never = unreached.length === 0 ? '' : `\n  never reached: ${unreached.join(', ')}`;
  return found + never + (failure === undefined ? '' : `\n${failureText(outcome, failure)}`);
}

export const perSecond = (cases: number, tookMs: number): string =>
  `${Math.round((cases * 1_000) / Math.max(1, tookMs))} a second`;
