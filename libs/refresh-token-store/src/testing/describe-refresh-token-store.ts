import { randomUUID } from 'node:crypto';
import { format } from 'node:util';
import type {
  RefreshTokenExpectation,
  RefreshTokenIssue,
  RefreshTokenRotation,
  RefreshTokenRules,
  RefreshTokenStore,
  RefreshTokenSubject,
  SeenRefreshToken,
} from '../refresh-token-store.port.ts';

export const T0_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

/** Rules of an hour's life, ten seconds' grace and no limits, but for what a test names. */
export const rulesWith = (changes: Partial<RefreshTokenRules> = {}): RefreshTokenRules => ({
  lifeMs: HOUR_MS,
  activeCount: undefined,
  limitAction: 'REVOKE_OLDEST',
  maxUses: undefined,
  graceMs: 10_000,
  ...changes,
});

/** The gateway that the stores under test are of. */
export const GATEWAY = 'gateway-1';

/** A subject that no other test has. */
export const someSubject = (): RefreshTokenSubject => ({
  proxyId: randomUUID(),
  policy: 'issue-token',
  subject: 'alice',
  clientId: 'client-1',
  scope: 'read write',
  proofId: 'password-1',
});

/** The token of an issue that must have succeeded. */
export function tokenOf(issue: RefreshTokenIssue): string {
  if (issue.kind !== 'issued') throw new Error(`expected a token, got ${issue.kind}`);
  return issue.token;
}

/** The token of a rotation that must have succeeded. */
export function successorOf(rotation: RefreshTokenRotation): string {
  if (rotation.kind !== 'rotated' && rotation.kind !== 'repeated')
    throw new Error(`expected one, got ${rotation.kind}`);
  return rotation.token;
}

/** What every adapter of the port promises. `fresh` makes the store of the gateway GATEWAY. */
export function describeRefreshTokenStore(name: string, fresh: () => RefreshTokenStore): void {
  describe(name, () => {
    let store: RefreshTokenStore;
    let subject: RefreshTokenSubject;
    const rules = rulesWith();
    beforeEach(() => {
      store = fresh();
      subject = someSubject();
    });

    const login = async (changes: Partial<RefreshTokenRules> = {}, nowMs = T0_MS): Promise<string> =>
      tokenOf(await store.issue(subject, rulesWith(changes), nowMs));
    const rotate = (
      token: string,
      nowMs: number,
      changes: Partial<RefreshTokenRules> = {},
      expected: Partial<RefreshTokenExpectation> = {},
    ): Promise<RefreshTokenRotation> => {
      const { proxyId, policy, clientId } = subject;
      return store.rotate(token, { proxyId, policy, clientId, ...expected }, rulesWith(changes), nowMs);
    };

    describe('a login', () => {
      it('gives a tag and 256 bits, and says when they end', async () => {
        const issue = await store.issue(subject, rules, T0_MS);
        expect(issue).toMatchObject({ kind: 'issued', expiresAtMs: T0_MS + HOUR_MS });
        expect(tokenOf(issue)).toMatch(/^[\w-]{22}\.[\w-]{43}$/);
      });

      it('gives tokens of one user and policy the same tag, and other users, policies and proxies another', async () => {
        const tagFor = async (changes: Partial<RefreshTokenSubject>) =>
          tokenOf(await store.issue({ ...subject, ...changes }, rules, T0_MS)).split('.')[0];
        const own = await tagFor({});
        expect(await tagFor({ clientId: 'client-2', scope: undefined, proofId: 'password-2' })).toBe(own);
        for (const changes of [{ subject: 'bob' }, { policy: 'other' }, { proxyId: randomUUID() }]) {
          expect(await tagFor(changes)).not.toBe(own);
        }
      });

      it('is refused over the count when the policy says REJECT, and ends nothing', async () => {
        const limit = { activeCount: 2, limitAction: 'REJECT' as const };
        const held = [await login(limit), await login(limit)];
        expect(await store.issue(subject, rulesWith(limit), T0_MS)).toEqual({ kind: 'limit-reached' });
        for (const token of held) expect(await rotate(token, T0_MS)).toMatchObject({ kind: 'rotated' });
      });

      it('ends the oldest login over the count when the policy says REVOKE_OLDEST, however lately that was refreshed', async () => {
        const limit = { activeCount: 2 };
        const first = await login(limit);
        const second = await login(limit);
        const refreshed = successorOf(await rotate(first, T0_MS + 5, limit));
        await login(limit, T0_MS + 6);
        expect(await rotate(refreshed, T0_MS + 7, limit)).toEqual({ kind: 'unknown' });
        expect(await rotate(second, T0_MS + 7, limit)).toMatchObject({ kind: 'rotated' });
      });

      it('ends as many logins as a lowered count asks for', async () => {
        for (let count = 0; count < 5; count += 1) await login();
        await login({ activeCount: 2 });
        expect(await store.activeCount(subject, T0_MS)).toBe(2);
      });

      it('counts with those that another proof opened', async () => {
        const limit = { activeCount: 1, limitAction: 'REJECT' as const };
        await login(limit);
        const other = await store.issue({ ...subject, proofId: 'password-2' }, rulesWith(limit), T0_MS);
        expect(other).toEqual({ kind: 'limit-reached' });
      });

      it('keeps what proved it through every rotation, also when nothing did', async () => {
        for (const proofId of ['password-2', undefined]) {
          const first = tokenOf(await store.issue({ ...subject, proofId }, rules, T0_MS));
          const rotation = await rotate(successorOf(await rotate(first, T0_MS)), T0_MS);
          expect('subject' in rotation && rotation.subject.proofId).toBe(proofId);
          const seen = await store.inspect(successorOf(rotation), subject, T0_MS);
          expect(seen.kind === 'live' && seen.subject.proofId).toBe(proofId);
        }
      });

      it('is refused over a lowered count when the policy says REJECT, until enough logins ended', async () => {
        const tokens = [await login(), await login(), await login()];
        const limit = { activeCount: 2, limitAction: 'REJECT' as const };
        expect(await store.issue(subject, rulesWith(limit), T0_MS)).toEqual({ kind: 'limit-reached' });
        await store.revokeToken(tokens[0] ?? '');
        expect(await store.issue(subject, rulesWith(limit), T0_MS)).toEqual({ kind: 'limit-reached' });
        await store.revokeToken(tokens[1] ?? '');
        expect(await store.issue(subject, rulesWith(limit), T0_MS)).toMatchObject({ kind: 'issued' });
        expect(await store.activeCount(subject, T0_MS)).toBe(2);
      });

      it('finds room again once tokens expired', async () => {
        const limit = { activeCount: 1, limitAction: 'REJECT' as const };
        await login(limit);
        expect(await store.issue(subject, rulesWith(limit), T0_MS + HOUR_MS - 1)).toEqual({ kind: 'limit-reached' });
        expect(await store.issue(subject, rulesWith(limit), T0_MS + HOUR_MS)).toMatchObject({ kind: 'issued' });
      });

      it('finds room again once a login was ended', async () => {
        const limit = { activeCount: 1, limitAction: 'REJECT' as const };
        await store.revokeToken(await login(limit));
        expect(await store.issue(subject, rulesWith(limit), T0_MS)).toMatchObject({ kind: 'issued' });
      });

      it('counts other users apart', async () => {
        const limit = { activeCount: 1, limitAction: 'REJECT' as const };
        await login(limit);
        const other = await store.issue({ ...subject, subject: 'bob' }, rulesWith(limit), T0_MS);
        expect(other).toMatchObject({ kind: 'issued' });
      });

      it('never goes over the count when fifty come at once', async () => {
        const limit = { activeCount: 3, limitAction: 'REJECT' as const };
        const issues = await Promise.all(
          Array.from({ length: 50 }, () => store.issue(subject, rulesWith(limit), T0_MS)),
        );
        expect(issues.filter(({ kind }) => kind === 'issued')).toHaveLength(3);
        expect(await store.activeCount(subject, T0_MS)).toBe(3);
      });
    });

    describe('a rotation', () => {
      it('gives another token of a full life, and what the login was for', async () => {
        const token = await login();
        const rotation = await rotate(token, T0_MS + 1_000);
        expect(rotation).toMatchObject({ kind: 'rotated', expiresAtMs: T0_MS + 1_000 + HOUR_MS, subject });
        expect(successorOf(rotation)).not.toBe(token);
      });

      it('keeps the number of active tokens', async () => {
        await rotate(await login(), T0_MS);
        expect(await store.activeCount(subject, T0_MS)).toBe(1);
      });

      it('can follow another for as long as the family lives', async () => {
        let token = await login();
        for (let round = 1; round <= 5; round += 1) {
          token = successorOf(await rotate(token, T0_MS + round * (HOUR_MS - 1)));
        }
        expect(await store.activeCount(subject, T0_MS + 5 * (HOUR_MS - 1))).toBe(1);
      });

      it('takes changed rules for the new token', async () => {
        const rotation = await rotate(await login(), T0_MS, { lifeMs: 60_000 });
        expect(rotation).toMatchObject({ kind: 'rotated', expiresAtMs: T0_MS + 60_000 });
      });

      it('gives the same successor to a retry within the grace', async () => {
        const token = await login();
        const first = await rotate(token, T0_MS);
        const retry = await rotate(token, T0_MS + 9_999);
        expect(retry).toEqual({ ...first, kind: 'repeated' });
      });

      it('ends the family when a token comes again after the grace', async () => {
        const token = await login();
        const successor = successorOf(await rotate(token, T0_MS));
        expect(await rotate(token, T0_MS + 10_000)).toEqual({ kind: 'reused', familyId: expect.any(String) as string });
        expect(await rotate(successor, T0_MS + 10_001)).toEqual({
          kind: 'reused',
          familyId: expect.any(String) as string,
        });
        expect(await store.activeCount(subject, T0_MS + 10_001)).toBe(0);
      });

      it('ends the family when a token comes again within the grace after its successor was used', async () => {
        const token = await login();
        const successor = successorOf(await rotate(token, T0_MS));
        const third = successorOf(await rotate(successor, T0_MS + 1));
        expect(await rotate(token, T0_MS + 2)).toEqual({ kind: 'reused', familyId: expect.any(String) as string });
        expect(await rotate(third, T0_MS + 3)).toEqual({ kind: 'reused', familyId: expect.any(String) as string });
      });

      it('knows no grace when the policy gives none', async () => {
        const token = await login();
        await rotate(token, T0_MS, { graceMs: 0 });
        expect(await rotate(token, T0_MS)).toEqual({ kind: 'reused', familyId: expect.any(String) as string });
      });

      it('recognises the very first token of a login as used after many of its lives', async () => {
        const first = await login();
        let token = first;
        for (let round = 1; round <= 40; round += 1) {
          token = successorOf(await rotate(token, T0_MS + round * (HOUR_MS - 1)));
        }
        expect(await rotate(first, T0_MS + 40 * (HOUR_MS - 1) + 1)).toEqual({
          kind: 'reused',
          familyId: expect.any(String) as string,
        });
      });

      it('leaves the other logins of a user alone when one is ended by reuse', async () => {
        const other = await login();
        const token = await login();
        await rotate(token, T0_MS, { graceMs: 0 });
        await rotate(token, T0_MS);
        expect(await rotate(other, T0_MS)).toMatchObject({ kind: 'rotated' });
      });

      it('gives one successor to twenty callers at once', async () => {
        const token = await login();
        const rotations = await Promise.all(Array.from({ length: 20 }, () => rotate(token, T0_MS)));
        expect(new Set(rotations.map(successorOf)).size).toBe(1);
        expect(rotations.filter(({ kind }) => kind === 'rotated')).toHaveLength(1);
      });

      it('gives one of twenty callers a successor, and ends the family, when there is no grace', async () => {
        const token = await login();
        const rotations = await Promise.all(Array.from({ length: 20 }, () => rotate(token, T0_MS, { graceMs: 0 })));
        const kinds = rotations.map(({ kind }) => kind).sort();
        expect(kinds).toEqual([...Array.from({ length: 19 }, () => 'reused'), 'rotated']);
        expect(await store.activeCount(subject, T0_MS)).toBe(0);
      });
    });

    describe('a refusal', () => {
      it('is for a token that nobody issued', async () => {
        const token = await login();
        const nobodys = [`${token.slice(0, 23)}${'A'.repeat(43)}`, '', 'x', `${token}A`, `${token}.`, ` ${token}`];
        for (const text of nobodys) expect(await rotate(text, T0_MS)).toEqual({ kind: 'unknown' });
      });

      it('is for another spelling of a token, and ends nothing', async () => {
        const token = await login();
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        const spare = alphabet[alphabet.indexOf(token.slice(-1)) + 1] ?? '';
        expect(await rotate(token.slice(0, -1) + spare, T0_MS)).toEqual({ kind: 'unknown' });
        expect(await rotate(token, T0_MS)).toMatchObject({ kind: 'rotated' });
      });

      it('ends the family when a text has the family bits of a token but was never issued', async () => {
        const token = await login();
        const forged = `${token.slice(0, 39)}${'A'.repeat(27)}`;
        expect(await rotate(forged, T0_MS)).toEqual({ kind: 'reused', familyId: expect.any(String) as string });
        expect(await rotate(token, T0_MS)).toEqual({ kind: 'reused', familyId: expect.any(String) as string });
      });

      it('is for a token at the moment its life is over', async () => {
        const token = await login();
        expect(await rotate(token, T0_MS + HOUR_MS)).toEqual({ kind: 'expired' });
        expect(await rotate(token, T0_MS + HOUR_MS - 1)).toMatchObject({ kind: 'rotated' });
      });

      it.each(['clientId', 'proxyId', 'policy'] as const)('is for another %s, and changes nothing', async (member) => {
        const token = await login();
        expect(await rotate(token, T0_MS, {}, { [member]: 'another' })).toEqual({ kind: 'foreign' });
        const successor = successorOf(await rotate(token, T0_MS));
        for (const atMs of [T0_MS + HOUR_MS - 1, T0_MS + HOUR_MS]) {
          expect(await rotate(token, atMs, {}, { [member]: 'another' })).toEqual({ kind: 'foreign' });
        }
        expect(await rotate(successor, T0_MS)).toMatchObject({ kind: 'rotated' });
      });

      it('is for a login that was refreshed as often as it may be, and ends it', async () => {
        const limit = { maxUses: 2 };
        const second = successorOf(await rotate(await login(), T0_MS, limit));
        const third = successorOf(await rotate(second, T0_MS + 1, limit));
        expect(await rotate(third, T0_MS + 2, limit)).toEqual({ kind: 'uses-exhausted' });
        expect(await rotate(third, T0_MS + 3, limit)).toEqual({ kind: 'unknown' });
        expect(await store.activeCount(subject, T0_MS + 3)).toBe(0);
      });

      it('does not count a retry within the grace as a use', async () => {
        const limit = { maxUses: 1 };
        const token = await login();
        await rotate(token, T0_MS, limit);
        expect(await rotate(token, T0_MS + 1, limit)).toMatchObject({ kind: 'repeated' });
      });
    });

    describe('the longest life of a login', () => {
      const MINUTE_MS = 60_000;
      const limit = { absoluteLifeMs: 90 * MINUTE_MS };

      it('ends the first token where that is earlier than its own life', async () => {
        const short = { absoluteLifeMs: 10 * MINUTE_MS };
        const issue = await store.issue(subject, rulesWith(short), T0_MS);
        expect(issue).toMatchObject({ expiresAtMs: T0_MS + 10 * MINUTE_MS });
        expect(await rotate(tokenOf(issue), T0_MS + 10 * MINUTE_MS, short)).toEqual({ kind: 'expired' });
        expect(await rotate(tokenOf(issue), T0_MS + 10 * MINUTE_MS - 1, short)).toMatchObject({
          kind: 'rotated',
          expiresAtMs: T0_MS + 10 * MINUTE_MS,
        });
      });

      it('is counted from the login, however often that was refreshed', async () => {
        const first = await rotate(await login(limit), T0_MS + 20 * MINUTE_MS, limit);
        expect(first).toMatchObject({ kind: 'rotated', expiresAtMs: T0_MS + 80 * MINUTE_MS });
        const second = await rotate(successorOf(first), T0_MS + 70 * MINUTE_MS, limit);
        expect(second).toMatchObject({ kind: 'rotated', expiresAtMs: T0_MS + 90 * MINUTE_MS });
        const last = successorOf(await rotate(successorOf(second), T0_MS + 90 * MINUTE_MS - 1, limit));
        expect(await store.inspect(last, subject, T0_MS + 90 * MINUTE_MS - 1)).toMatchObject({ kind: 'live' });
        expect(await store.inspect(last, subject, T0_MS + 90 * MINUTE_MS)).toEqual({ kind: 'expired' });
        expect(await rotate(last, T0_MS + 90 * MINUTE_MS, limit)).toEqual({ kind: 'expired' });
        expect(await store.activeCount(subject, T0_MS + 90 * MINUTE_MS)).toBe(0);
      });

      it('ends a login at its next rotation when it was shortened meanwhile', async () => {
        const token = await login();
        const shortened = { absoluteLifeMs: 30 * MINUTE_MS };
        expect(await rotate(token, T0_MS + 30 * MINUTE_MS, shortened)).toEqual({ kind: 'expired' });
        expect(await rotate(token, T0_MS + 30 * MINUTE_MS)).toEqual({ kind: 'unknown' });
        expect(await store.activeCount(subject, T0_MS + 30 * MINUTE_MS)).toBe(0);
      });
    });

    describe('a look at a token', () => {
      const inspect = (token: string, nowMs: number) => store.inspect(token, subject, nowMs);

      it('tells what it is without using it', async () => {
        const token = successorOf(await rotate(await login(), T0_MS + 5));
        expect(await inspect(token, T0_MS + 6)).toMatchObject({
          kind: 'live',
          subject,
          startedAtMs: T0_MS,
          issuedAtMs: T0_MS + 5,
          expiresAtMs: T0_MS + 5 + HOUR_MS,
        });
        expect(await rotate(token, T0_MS + 7)).toMatchObject({ kind: 'rotated' });
      });

      const seenOf = async (token: string, nowMs: number): Promise<SeenRefreshToken> => {
        const looked = await inspect(token, nowMs);
        if (looked.kind !== 'live') throw new Error(`expected a live token, got ${looked.kind}`);
        return looked.seen;
      };
      const rotateSeen = (seen: SeenRefreshToken, nowMs: number, changes: Partial<RefreshTokenRules> = {}) =>
        store.rotate(seen, subject, rulesWith(changes), nowMs);

      it('spares the rotation after it a look of its own', async () => {
        const token = await login();
        const rotation = await rotateSeen(await seenOf(token, T0_MS), T0_MS);
        expect(rotation).toMatchObject({ kind: 'rotated', subject });
        expect(await rotate(token, T0_MS)).toMatchObject({ kind: 'repeated', token: successorOf(rotation) });
      });

      it('does not hide what happened before the rotation', async () => {
        const token = await login();
        const [first, second] = [await seenOf(token, T0_MS), await seenOf(token, T0_MS)];
        const successor = successorOf(await rotateSeen(first, T0_MS));
        expect(await rotateSeen(second, T0_MS)).toMatchObject({ kind: 'repeated', token: successor });
        const late = await seenOf(successor, T0_MS);
        await rotate(successor, T0_MS + HOUR_MS - 1);
        expect(await rotateSeen(late, T0_MS + HOUR_MS)).toMatchObject({ kind: 'repeated' });
        const used = successorOf(await rotate(await login(), T0_MS));
        const exhausted = await seenOf(used, T0_MS);
        const given = successorOf(await rotate(used, T0_MS));
        const limit = { maxUses: 1 };
        expect(await rotateSeen(exhausted, T0_MS, limit)).toMatchObject({ kind: 'repeated', token: given });
        const ended = await seenOf(await login(), T0_MS);
        await store.revokeSubject(subject);
        expect(await rotateSeen(ended, T0_MS)).toEqual({ kind: 'unknown' });
        expect(await store.activeCount(subject, T0_MS)).toBe(0);
      });

      it('shows nothing of the token when it is printed', async () => {
        const token = await login();
        const looked = await inspect(token, T0_MS);
        expect(`${JSON.stringify(looked)}${format('%o', looked)}`).not.toContain(token.slice(23));
      });

      it('tells that it is used without ending its family', async () => {
        const token = await login();
        const successor = successorOf(await rotate(token, T0_MS));
        const { familyId } = (await inspect(successor, T0_MS)) as { readonly familyId: string };
        const used = { kind: 'used', familyId, subject, expiresAtMs: T0_MS + HOUR_MS };
        expect(await inspect(token, T0_MS + HOUR_MS - 1)).toEqual(used);
        expect(await rotate(successor, T0_MS)).toMatchObject({ kind: 'rotated' });
      });

      it('tells that it is expired, foreign, ended by reuse or of no family', async () => {
        const token = await login();
        expect(await inspect(token, T0_MS + HOUR_MS)).toEqual({ kind: 'expired' });
        expect(await store.inspect(token, { ...subject, clientId: 'other' }, T0_MS)).toEqual({ kind: 'foreign' });
        await rotate(token, T0_MS, { graceMs: 0 });
        await rotate(token, T0_MS);
        expect(await inspect(token, T0_MS)).toEqual({ kind: 'reused', familyId: expect.any(String) as string });
        expect(await inspect('nobody', T0_MS)).toEqual({ kind: 'unknown' });
      });
    });

    describe('a revocation', () => {
      it('of a token ends its family, also by a used one, and once', async () => {
        const token = await login();
        const successor = successorOf(await rotate(token, T0_MS));
        expect(await store.revokeToken(token)).toBe(true);
        expect(await store.revokeToken(token)).toBe(false);
        expect(await rotate(successor, T0_MS)).toEqual({ kind: 'unknown' });
      });

      it('of a token that nobody issued does nothing', async () => {
        const token = await login();
        expect(await store.revokeToken(`${token.slice(0, 23)}${'A'.repeat(43)}`)).toBe(false);
        expect(await store.revokeToken('nonsense')).toBe(false);
        expect(await rotate(token, T0_MS)).toMatchObject({ kind: 'rotated' });
      });

      it('of a family ends that one only', async () => {
        const other = await login();
        const issue = await store.issue(subject, rules, T0_MS);
        if (issue.kind !== 'issued') throw new Error('not issued');
        expect(await store.revokeFamily(subject, issue.familyId)).toBe(true);
        expect(await store.revokeFamily(subject, issue.familyId)).toBe(false);
        expect(await rotate(issue.token, T0_MS)).toEqual({ kind: 'unknown' });
        expect(await rotate(other, T0_MS)).toMatchObject({ kind: 'rotated' });
      });

      it('of one family, found by looking at all of a user, ends that one', async () => {
        const [first, second] = [await login(), await login({}, T0_MS + 1)];
        const [oldest] = await store.familiesOf(subject, T0_MS + 1);
        expect(await store.revokeFamily(subject, oldest?.familyId ?? '')).toBe(true);
        expect(await rotate(first, T0_MS + 2)).toEqual({ kind: 'unknown' });
        expect(await rotate(second, T0_MS + 2)).toMatchObject({ kind: 'rotated' });
      });

      it('of a user ends every family, of that user only, and says how many', async () => {
        const tokens = [await login(), await login(), await login()];
        const others = tokenOf(await store.issue({ ...subject, subject: 'bob' }, rules, T0_MS));
        expect(await store.revokeSubject(subject)).toBe(3);
        expect(await store.revokeSubject(subject)).toBe(0);
        for (const token of tokens) expect(await rotate(token, T0_MS)).toEqual({ kind: 'unknown' });
        expect(await rotate(others, T0_MS)).toMatchObject({ kind: 'rotated' });
      });
    });

    describe('families of a user', () => {
      it('are told oldest login first, with their times and uses, and nothing of a token', async () => {
        const first = await login();
        const second = await login({}, T0_MS + 1_000);
        await rotate(first, T0_MS + 2_000);
        const families = await store.familiesOf(subject, T0_MS + 2_000);
        expect(families).toEqual([
          {
            ...{ familyId: expect.any(String) as string, subject, startedAtMs: T0_MS, uses: 1 },
            ...{ issuedAtMs: T0_MS + 2_000, expiresAtMs: T0_MS + 2_000 + rules.lifeMs },
            ...{ lastUsedAtMs: T0_MS + 2_000, startedBy: GATEWAY, lastGateway: GATEWAY },
          },
          {
            ...{ familyId: expect.any(String) as string, subject, startedAtMs: T0_MS + 1_000, uses: 0 },
            ...{ issuedAtMs: T0_MS + 1_000, expiresAtMs: T0_MS + 1_000 + rules.lifeMs },
            ...{ lastUsedAtMs: undefined, startedBy: GATEWAY, lastGateway: GATEWAY },
          },
        ]);
        for (const token of [first, second]) {
          const [, bits = ''] = token.split('.');
          expect(JSON.stringify(families)).not.toContain(bits.slice(0, 10));
        }
      });

      it('are those of that owner alone, and none once they ended or expired', async () => {
        await store.issue({ ...subject, subject: 'bob' }, rules, T0_MS);
        await store.issue({ ...subject, policy: 'another' }, rules, T0_MS);
        expect(await store.familiesOf(subject, T0_MS)).toEqual([]);
        const token = await login();
        expect(await store.familiesOf(subject, T0_MS + rules.lifeMs - 1)).toHaveLength(1);
        expect(await store.familiesOf(subject, T0_MS + rules.lifeMs)).toEqual([]);
        await store.revokeToken(token);
        expect(await store.familiesOf(subject, T0_MS)).toEqual([]);
      });
    });

    describe('the living families of an environment', () => {
      it('are counted up with logins, and down as they end', async () => {
        const before = await store.liveFamilies(T0_MS);
        const more = async (nowMs: number): Promise<number> => (await store.liveFamilies(nowMs)) - before;
        const token = await login();
        const other = await login();
        await store.issue({ ...subject, subject: 'bob' }, rules, T0_MS);
        expect(await more(T0_MS)).toBe(3);
        await rotate(other, T0_MS, { graceMs: 0 });
        expect(await more(T0_MS)).toBe(3);
        await rotate(other, T0_MS);
        expect(await more(T0_MS)).toBe(2);
        await store.revokeToken(token);
        await login({ activeCount: 1 });
        await login({ activeCount: 1 });
        expect(await more(T0_MS)).toBe(2);
        await store.revokeSubject(subject);
        expect(await more(T0_MS)).toBe(1);
        await store.revokeSubject({ ...subject, subject: 'bob' });
        expect(await more(T0_MS)).toBe(0);
      });
    });
  });
}
