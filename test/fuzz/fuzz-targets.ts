import { type FuzzTarget } from './fuzz-target.ts';
import { ASYMMETRIC_TOKENS } from './targets/asymmetric-tokens.target.ts';
import { CONDITIONS } from './targets/conditions.target.ts';
import { ENCRYPTED_TOKENS } from './targets/encrypted-tokens.target.ts';
import { KEY_TEXTS } from './targets/key-texts.target.ts';
import { SECRET_TOKENS } from './targets/secret-tokens.target.ts';
import { STRICT_BASE64URL } from './targets/strict-base64url.target.ts';
import { STRICT_JSON } from './targets/strict-json.target.ts';
import { TEMPLATES } from './targets/templates.target.ts';

export const ENGINE_TARGETS: readonly FuzzTarget[] = [
  STRICT_BASE64URL,
  STRICT_JSON,
  SECRET_TOKENS,
  ASYMMETRIC_TOKENS,
  ENCRYPTED_TOKENS,
  KEY_TEXTS,
];

export const POLICY_TARGETS: readonly FuzzTarget[] = [CONDITIONS, TEMPLATES];

/** Cases of each target, of so many in all. Each has at least one. */
export function casesByTarget(targets: readonly FuzzTarget[], cases: number): ReadonlyMap<FuzzTarget, number> {
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  return new Map(targets.map((target) => [target, Math.max(1, Math.round((cases * target.share) / shares))]));
}
