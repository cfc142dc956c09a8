import { refusal, type JwtRefusal } from '#libs/jwt-engine';
import { timeSpanSeconds, type ProxyArtifact, type TextOrRef } from '#libs/policy-contracts';
import { compileVariable } from '../exchange/compile-variable.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { variableText } from '../exchange/variable-text.ts';
import { bindText } from '../linking/bound-text.ts';

/** A time span of the policy in one request: seconds, or why there is none. */
export type Seconds = number | JwtRefusal | 'InvalidConfiguration';
export type SecondsReader = (exchange: Exchange) => Seconds;

export interface TimeSettingRules {
  readonly kind: 'allowance' | 'lifespan';
  readonly ignoresUnresolved: boolean;
}

/** An unresolved allowance that is ignored is none; an unresolved lifespan lets nothing pass (`verify-jwt.md` 2.4). */
function whenUnresolved(reference: string, { kind, ignoresUnresolved }: TimeSettingRules): Seconds {
  if (!ignoresUnresolved) return refusal('UnresolvedReference', { reference });
  return kind === 'allowance' ? 0 : refusal('ClaimMismatch', { claim: 'exp' });
}

/** A variable that holds no time span falls back to the text, else it is InvalidConfiguration (`verify-jwt.md` 3.7). */
export function linkSeconds(
  element: TextOrRef,
  rules: TimeSettingRules,
  artifact: ProxyArtifact,
): Seconds | SecondsReader {
  const fallback = element.value === undefined ? undefined : timeSpanSeconds(element.value, rules.kind);
  const secondsOf = (text: string): Seconds =>
    timeSpanSeconds(text.trim(), rules.kind) ?? fallback ?? 'InvalidConfiguration';
  const bound = bindText(element, artifact);
  if (bound.kind === 'constant') return secondsOf(bound.text);
  const variable = compileVariable(bound.reference);
  const unresolved = fallback ?? whenUnresolved(bound.reference, rules);
  return (exchange) => {
    const text = variableText(variable(exchange));
    return text === undefined ? unresolved : secondsOf(text);
  };
}
