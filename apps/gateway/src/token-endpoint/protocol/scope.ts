import { refuse, type OAuthRefusal } from './oauth-refusal.ts';

export type ScopeGrant = { readonly kind: 'scope'; readonly scope: string | undefined } | OAuthRefusal;

/** RFC 6749 section 3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * The scope of a token: what was asked for if all of it may be had, all there is when nothing was asked for. A role
 * that cannot be written as one scope name is left out: with a blank in it, it would read as two others.
 */
export function grantScope(requested: string | undefined, roles: readonly string[]): ScopeGrant {
  const grantable = new Set(roles.filter((role) => SCOPE_TOKEN.test(role)));
  const names = requested === undefined ? grantable : new Set(requested.split(' '));
  for (const name of names) {
    if (!SCOPE_TOKEN.test(name)) return refuse('invalid_scope', 'The scope is malformed.', 'malformed-scope');
    if (!grantable.has(name)) return refuse('invalid_scope', 'The scope is more than may be had.', 'scope-not-granted');
  }
  return { kind: 'scope', scope: names.size === 0 ? undefined : [...names].join(' ') };
}
