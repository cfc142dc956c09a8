import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './declared-settings.ts';

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of the Dockerfile, each with its instructions in their order. */
export function readStages(): readonly Stage[] {
  const text = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
  const lines = text.replaceAll(/\\\n\s*/g, ' ').split('\n');
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const line of lines.filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, name = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    const [, from = '', stage = ''] = /^(\S+) AS (\S+)$/.exec(rest) ?? [];
    if (name === 'FROM') stages.push({ name: stage, from, instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text: rest });
  }
  return stages;
}

/** What an image of this target does: the instructions of the stages it is made from, the base first. */
export function instructionsOf(target: string): readonly Instruction[] {
  const stage = readStages().find(({ name }) => name === target);
  if (stage === undefined) throw new Error(`Dockerfile: no stage ${target}`);
  const isBase = stage.from.startsWith('$');
  return [...(isBase ? [] : instructionsOf(stage.from)), ...stage.instructions];
}

/** The text of the last of them, which is the one that holds. */
export const lastOf = (instructions: readonly Instruction[], name: string): string =>
  instructions.filter((instruction) => instruction.name === name).at(-1)?.text ?? '';

export const environmentOf = (instructions: readonly Instruction[]): Record<string, string> =>
  Object.fromEntries(
    instructions
      .filter(({ name }) => name === 'ENV')
      .flatMap(({ text }) => text.split(' '))
      .map((pair) => pair.split('=', 2) as [string, string]),
  );

/** What is copied, from this repository's point of view: `[source, target]`, both below the working directory. */
export const copiesOf = (instructions: readonly Instruction[]): readonly (readonly [string, string])[] =>
  instructions
    .filter(({ name }) => name === 'COPY')
    .map(({ text }) => text.replace('--from=build /gatewarden/', '').split(' ') as [string, string]);
