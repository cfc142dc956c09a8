import { type KeyObject } from 'node:crypto';
import { refusal, secretKeyFrom, type JwtRefusal, type KeyFaultCode, type SecretEncoding } from '#libs/jwt-engine';
import type { SecretKeyElement, TextOrRef } from '#libs/policy-contracts';
import type { Exchange } from '../exchange/exchange.ts';
import { bindText } from '../linking/bound-text.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { rememberRecent } from '../linking/recent-results.ts';

/** How many different key texts of one policy are kept parsed, when a variable holds the key. */
const KEPT_KEYS = 16;

/** A key's text and what is made of it. */
export interface KeyText<Key> {
  readonly element: TextOrRef;
  readonly parse: (text: string) => Key | JwtRefusal;
  /** What an empty key is refused with. */
  readonly whenEmpty: KeyFaultCode;
}

/** A secret in a variable, written as the policy says, else as `otherwise` says. */
export const secretText = ({ ref, encoding }: SecretKeyElement, otherwise: SecretEncoding): KeyText<KeyObject> => ({
  element: { ref },
  parse: (text) => secretKeyFrom(text, encoding ?? otherwise),
  whenEmpty: 'InvalidSecretKey',
});

/** The key of one request, or why there is none. */
export type KeyReader<Key> = (exchange: Exchange) => Key | JwtRefusal;

/**
 * Prepares a key: literals and environment variables are parsed now, other variables once per text. A broken key behind a
 * `ref` is that fault at run time (contract 4.1), so it is no link fault.
 */
export function linkKeyText<Key>(
  { element, parse, whenEmpty }: KeyText<Key>,
  ignoresUnresolved: boolean,
  { artifact }: Pick<LinkContext, 'artifact'>,
): KeyReader<Key> {
  const empty = refusal(whenEmpty);
  const parsed = (text: string): Key | JwtRefusal => (text.trim() === '' ? empty : parse(text));
  const bound = bindText(element, artifact);
  if (bound.kind === 'constant') {
    const key = parsed(bound.text);
    return () => key;
  }
  const keyOf = rememberRecent(KEPT_KEYS, parsed);
  const unresolved = ignoresUnresolved ? empty : refusal('UnresolvedReference', { reference: bound.reference });
  return (exchange) => {
    const text = bound.read(exchange);
    return text === undefined ? unresolved : keyOf(text);
  };
}
