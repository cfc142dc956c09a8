import type { ListOrRef, ProxyArtifact, TextOrRef } from '#libs/policy-contracts';
import { compileVariable, isBuiltInVariable } from '../exchange/compile-variable.ts';
import type { VariableSource, VariableValue } from '../exchange/variable-source.ts';
import { variableText } from '../exchange/variable-text.ts';

/** An element whose text is known when the proxy is linked, or is read from a variable in every request. */
export type BoundText =
  | { readonly kind: 'constant'; readonly text: string }
  | {
      readonly kind: 'variable';
      readonly reference: string;
      /** undefined: unresolved, and no default text. */
      readonly read: (source: VariableSource) => string | undefined;
      /** The variable as it is; the default text when it is unresolved or empty. */
      readonly readValue: (source: VariableSource) => VariableValue;
    };

/** Value of an environment variable: it cannot change while the proxy is linked. */
function constantOf(name: string, artifact: ProxyArtifact): string | undefined {
  if (isBuiltInVariable(name) || !Object.hasOwn(artifact.variables, name)) return undefined;
  return artifact.variables[name]?.value;
}

/** Variable first; the text is its default when the variable is unresolved or empty (`verify-jwt.md` 2.3). */
export function bindText({ value, ref }: TextOrRef, artifact: ProxyArtifact): BoundText {
  if (ref === undefined) return { kind: 'constant', text: value ?? '' };
  const constant = constantOf(ref, artifact);
  if (constant !== undefined) return { kind: 'constant', text: constant === '' ? (value ?? '') : constant };
  const variable = compileVariable(ref);
  const readValue = (source: VariableSource): VariableValue => {
    const found = variable(source);
    return found === undefined || found === '' ? (value ?? found) : found;
  };
  return { kind: 'variable', reference: ref, readValue, read: (source) => variableText(readValue(source)) };
}

/** A list of names that is known, or read from a variable in every request. */
export interface BoundList {
  /** The variable to blame when `read` answers undefined. */
  readonly reference: string | undefined;
  readonly constant: readonly string[] | undefined;
  readonly read: (source: VariableSource) => readonly string[] | undefined;
}

const namesOf = (value: VariableValue): readonly string[] | undefined =>
  typeof value === 'object' && !('text' in value)
    ? value
    : variableText(value)
        ?.split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '');

export function bindList({ value, ref }: ListOrRef, artifact: ProxyArtifact): BoundList {
  const text = bindText({ ref, value: value?.join(',') }, artifact);
  if (text.kind === 'constant') {
    const constant = ref === undefined ? (value ?? []) : (namesOf(text.text) ?? []);
    return { reference: undefined, constant, read: () => constant };
  }
  return { reference: text.reference, constant: undefined, read: (source) => namesOf(text.readValue(source)) };
}
