import { compileVariable, type VariableReader } from '../exchange/compile-variable.ts';
import type { VariableSource } from '../exchange/variable-source.ts';
import { variableText } from '../exchange/variable-text.ts';
import { readTemplate, type TemplateArgument, type TemplatePiece } from './template-syntax.ts';

type ReadText = (source: VariableSource) => string | undefined;
type CompileVariable = (name: string) => VariableReader;

const variablesIn = (piece: TemplatePiece): readonly string[] => {
  if (typeof piece === 'string') return [];
  const places = piece.kind === 'call' ? piece.values : [piece];
  return places.flatMap((place) => (place.kind === 'variable' ? [place.name] : []));
};

/** Names of the variables in a template, those that its functions take included. */
export const templateVariables = (template: string): string[] => readTemplate(template).flatMap(variablesIn);

/** What stands at one place; a default takes the place of a variable that is unset, not of an empty one. */
function compileArgument(argument: TemplateArgument, compile: CompileVariable): ReadText {
  if (argument.kind === 'text') return () => argument.text;
  const read = compile(argument.name);
  return (source) => variableText(read(source)) ?? argument.fallback;
}

function compilePiece(piece: TemplatePiece, compile: CompileVariable): ReadText {
  if (typeof piece === 'string') return () => piece;
  if (piece.kind === 'variable') return compileArgument(piece, compile);
  const values = piece.values.map((value) => compileArgument(value, compile));
  const call = piece.called.prepare(piece.values.map((value) => (value.kind === 'text' ? value.text : undefined)));
  return (source) => call(values.map((value) => value(source)));
}

/**
 * Reads a text with `{variable}` and `{function(…)}` in it once (Apigee's message templates, `verify-jwt.md` 9.1). A
 * variable without a value is empty; values stand as they are, as Apigee has it. `compile` says what may be read.
 */
export function compileMessageTemplate(
  template: string,
  compile: CompileVariable = compileVariable,
): (source: VariableSource) => string {
  const pieces = readTemplate(template);
  if (pieces.every((piece) => typeof piece === 'string')) return () => template;
  const readers = pieces.map((piece) => compilePiece(piece, compile));
  return (source) => readers.map((read) => read(source) ?? '').join('');
}
