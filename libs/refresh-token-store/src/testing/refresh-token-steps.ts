import fc from 'fast-check';
import type {
  RefreshTokenRules,
  RefreshTokenStore,
  RefreshTokenSubject,
  SeenRefreshToken,
} from '../refresh-token-store.port.ts';
import { RefreshTokenModel } from './refresh-token-model.ts';

/** One thing that happens to one owner's tokens. `pick` chooses among what there is, `at` the gateway. */
export type RefreshTokenStep = { readonly at: number; readonly pick: number } & (
  | { readonly kind: 'issue' | 'look' | 'revoke' | 'revoke-family' | 'revoke-owner' }
  /** `rotate-seen` rotates what was looked at before, however long ago. */
  | { readonly kind: 'rotate-newest' | 'rotate-any' | 'rotate-seen' }
  | { readonly kind: 'alter'; readonly rules: RefreshTokenRules }
  | { readonly kind: 'wait'; readonly waitMs: number }
);

export const LIFE_MS = 60_000;

export const anyRules: fc.Arbitrary<RefreshTokenRules> = fc.record({
  lifeMs: fc.constant(LIFE_MS),
  activeCount: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  limitAction: fc.constantFrom('REVOKE_OLDEST' as const, 'REJECT' as const),
  maxUses: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  graceMs: fc.constantFrom(0, 10_000),
  absoluteLifeMs: fc.option(fc.constantFrom(40_000, 100_000), { nil: undefined, freq: 3 }),
});

const place = { at: fc.nat(2), pick: fc.nat(1_000) };
const stepOf = <Kind extends RefreshTokenStep['kind']>(weight: number, kind: Kind) => ({
  weight,
  arbitrary: fc.record({ kind: fc.constant(kind), ...place }),
});

export const anyStep: fc.Arbitrary<RefreshTokenStep> = fc.oneof(
  stepOf(5, 'issue'),
  stepOf(7, 'rotate-newest'),
  stepOf(3, 'rotate-any'),
  stepOf(3, 'look'),
  stepOf(3, 'rotate-seen'),
  stepOf(1, 'revoke'),
  stepOf(1, 'revoke-family'),
  stepOf(1, 'revoke-owner'),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('alter' as const), rules: anyRules, ...place }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      waitMs: fc.constantFrom(1, 3_000, 9_999, 10_000, 30_000, 59_999, 60_000),
      ...place,
    }),
  },
);

/** A gateway: its store, and by how much its clock is ahead, in milliseconds. */
export interface SteppingGateway {
  readonly store: RefreshTokenStore;
  readonly aheadMs: number;
}

/**
 * Plays the steps one by one against stores and model and compares every answer; after every step the count, the
 * families and what must never happen.
 */
export async function compareWithModel(
  gateways: readonly SteppingGateway[],
  subject: RefreshTokenSubject,
  rules: RefreshTokenRules,
  steps: readonly RefreshTokenStep[],
): Promise<void> {
  const stage: Stage = { subject, rules, model: new RefreshTokenModel(), seen: [], successors: new Map(), held: 0 };
  let nowMs = Date.UTC(2026, 0, 1);
  for (const step of steps) {
    const gateway = gateways[step.at % gateways.length];
    if (gateway === undefined) throw new Error('no gateway to play at');
    const at = { store: gateway.store, nowMs: nowMs + gateway.aheadMs };
    if (step.kind === 'wait') nowMs += step.waitMs;
    else if (step.kind === 'alter') stage.rules = step.rules;
    else await PLAYS[step.kind](stage, at, step.pick);
    await checkPromises(stage, at, step.kind);
  }
}

interface Stage {
  readonly model: RefreshTokenModel;
  readonly subject: RefreshTokenSubject;
  readonly seen: SeenRefreshToken[];
  /** What was given for each token. */
  readonly successors: Map<string, Set<string>>;
  rules: RefreshTokenRules;
  /** Families that any clock could take for active, after the step before. */
  held: number;
}

interface At {
  readonly store: RefreshTokenStore;
  readonly nowMs: number;
}

type Play = (stage: Stage, at: At, pick: number) => Promise<void>;

const picked = <Value>(values: readonly Value[], pick: number): Value | undefined => values[pick % values.length];

const PLAYS: Readonly<Record<Exclude<RefreshTokenStep['kind'], 'wait' | 'alter'>, Play>> = {
  issue: async ({ model, subject, rules }, { store, nowMs }) => {
    const issue = await store.issue(subject, rules, nowMs);
    expect(issue.kind).toBe(model.issue(rules, nowMs, issue.kind === 'issued' ? issue : undefined));
  },
  'rotate-newest': (stage, at, pick) => rotate(stage, at, picked(stage.model.everyToken.slice(-3), pick)),
  'rotate-any': (stage, at, pick) => rotate(stage, at, picked(stage.model.everyToken, pick)),
  'rotate-seen': (stage, at, pick) => rotate(stage, at, picked(stage.seen, pick)),
  look: async ({ model, subject, seen }, { store, nowMs }, pick) => {
    const token = picked(model.everyToken, pick);
    if (token === undefined) return;
    const looked = await store.inspect(token, subject, nowMs);
    expect(model.inspect(token, nowMs)).toContain(looked.kind);
    if (looked.kind === 'live') seen.push(looked.seen);
  },
  revoke: async ({ model }, { store }, pick) => {
    const token = picked(model.everyToken, pick);
    if (token !== undefined) expect(await store.revokeToken(token)).toBe(model.revoke(token));
  },
  'revoke-family': async ({ model, subject }, { store }, pick) => {
    const familyId = picked(model.everyFamilyId, pick);
    if (familyId !== undefined) expect(await store.revokeFamily(subject, familyId)).toBe(model.revoke(familyId));
  },
  'revoke-owner': async ({ model, subject }, { store }) => {
    expect(await store.revokeSubject(subject)).toBe(model.revokeOwner());
  },
};

async function rotate(
  { model, subject, rules, successors }: Stage,
  { store, nowMs }: At,
  presented: string | SeenRefreshToken | undefined,
): Promise<void> {
  if (presented === undefined) return;
  const rotation = await store.rotate(presented, subject, rules, nowMs);
  const token = typeof presented === 'string' ? presented : presented.token;
  const given = 'token' in rotation ? rotation.token : undefined;
  const { kinds, repeats } = model.rotate(token, rules, nowMs, rotation.kind === 'rotated' ? given : undefined);
  expect(kinds).toContain(rotation.kind);
  if (rotation.kind === 'repeated') expect(given).toBe(repeats);
  if (given !== undefined) successors.set(token, (successors.get(token) ?? new Set()).add(given));
}

/** REJECT ends nobody's login for a count that was lowered meanwhile. */
const mostAfterLogin = ({ activeCount, limitAction }: RefreshTokenRules, before: number): number => {
  if (activeCount === undefined) return before + 1;
  return limitAction === 'REJECT' ? Math.max(activeCount, before) : activeCount;
};

/** Said without the model: the count is kept by any clock, no token has two successors, no reused family lives. */
async function checkPromises(stage: Stage, { store, nowMs }: At, kind: RefreshTokenStep['kind']): Promise<void> {
  const { model, subject, rules, successors } = stage;
  const living = await store.familiesOf(subject, nowMs);
  const byId = (left: { familyId: string }, right: { familyId: string }) => (left.familyId < right.familyId ? -1 : 1);
  const expected = model.living(nowMs).sort(byId);
  expect([...living].sort(byId)).toMatchObject(expected);
  expect(living).toHaveLength(expected.length);
  expect(await store.activeCount(subject, nowMs)).toBe(expected.length);
  const held = await store.activeCount(subject, 0);
  expect(held).toBeLessThanOrEqual(kind === 'issue' ? mostAfterLogin(rules, stage.held) : stage.held);
  stage.held = held;
  for (const given of successors.values()) expect(given.size).toBe(1);
  for (const token of model.reusedNewest) expect((await store.inspect(token, subject, nowMs)).kind).not.toBe('live');
}
