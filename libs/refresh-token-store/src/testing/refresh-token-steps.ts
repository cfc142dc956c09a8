import fc from 'fast-check';
import type { RefreshTokenRules, RefreshTokenStore, RefreshTokenSubject } from '../refresh-token-store.port.ts';
import { RefreshTokenModel } from './refresh-token-model.ts';

/** One thing that happens to one owner's tokens. `pick` chooses among the tokens there are. */
export type RefreshTokenStep =
  | { readonly kind: 'issue' }
  | { readonly kind: 'revoke-owner' }
  | { readonly kind: 'rotate-newest' | 'rotate-any' | 'revoke'; readonly pick: number }
  | { readonly kind: 'wait'; readonly waitMs: number };

export const LIFE_MS = 60_000;

const pick = fc.nat(1_000);
export const anyStep: fc.Arbitrary<RefreshTokenStep> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('issue' as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('rotate-newest' as const), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rotate-any' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke-owner' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      waitMs: fc.constantFrom(1, 9_999, 10_000, 59_999, 60_000),
    }),
  },
);

export const anyRules: fc.Arbitrary<RefreshTokenRules> = fc.record({
  lifeMs: fc.constant(LIFE_MS),
  activeCount: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  limitAction: fc.constantFrom('REVOKE_OLDEST' as const, 'REJECT' as const),
  maxUses: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  graceMs: fc.constantFrom(0, 10_000),
});

/** Plays the steps one by one against store and model, each step on the next of the stores, and compares every answer. */
export async function compareWithModel(
  stores: readonly RefreshTokenStore[],
  subject: RefreshTokenSubject,
  rules: RefreshTokenRules,
  steps: readonly RefreshTokenStep[],
): Promise<void> {
  const model = new RefreshTokenModel(rules);
  let nowMs = Date.UTC(2026, 0, 1);
  for (const [index, step] of steps.entries()) {
    const store = stores[index % stores.length];
    if (store === undefined) throw new Error('no store to compare');
    if (step.kind === 'wait') nowMs += step.waitMs;
    else await playStep({ store, model, subject, rules, nowMs }, step);
    expect(await store.activeCount(subject, nowMs)).toBe(model.activeCount(nowMs));
  }
}

interface Stage {
  readonly store: RefreshTokenStore;
  readonly model: RefreshTokenModel;
  readonly subject: RefreshTokenSubject;
  readonly rules: RefreshTokenRules;
  readonly nowMs: number;
}

async function playStep(stage: Stage, step: Exclude<RefreshTokenStep, { kind: 'wait' }>): Promise<void> {
  const { store, model, subject, rules, nowMs } = stage;
  if (step.kind === 'issue') {
    const issue = await store.issue(subject, rules, nowMs);
    expect(issue.kind).toBe(model.issue(nowMs, issue.kind === 'issued' ? issue.token : undefined));
    return;
  }
  if (step.kind === 'revoke-owner') {
    await store.revokeSubject(subject);
    model.revokeOwner();
    return;
  }
  const tokens = step.kind === 'rotate-newest' ? model.everyToken.slice(-3) : model.everyToken;
  const token = tokens[step.pick % tokens.length];
  if (token === undefined) return;
  if (step.kind === 'revoke') {
    const revoked = await store.revokeToken(token);
    expect(revoked).toBe(model.revokeToken(token, nowMs) ?? revoked);
    return;
  }
  const rotation = await store.rotate(token, subject, rules, nowMs);
  const given = 'token' in rotation ? rotation.token : undefined;
  const { kinds, repeats } = model.rotate(token, nowMs, rotation.kind === 'rotated' ? given : undefined);
  expect(kinds).toContain(rotation.kind);
  if (rotation.kind === 'repeated') expect(given).toBe(repeats);
}
