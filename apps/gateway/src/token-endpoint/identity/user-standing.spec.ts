import type { CredentialRecord } from '#libs/policy-contracts';
import { CredentialRule, isAccessLive, standingOf } from './user-standing.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const HERE = '192.0.2.7';
const THEN = new Date(NOW_MS).toISOString();
const LATER = new Date(NOW_MS + 1).toISOString();
const ORDERS = { project: 'shop', proxy: 'orders' };

const recordOf = (change: Partial<CredentialRecord> = {}): CredentialRecord => ({
  ...{ username: 'billing', project: 'shop', passwordVerifier: 'scrypt$2$a$b', passwordId: 'password-1' },
  ...{ enabled: true, expiresAt: null, roles: [], ipList: [], access: [], tokenSettings: null, ...change },
});

describe('what stands against a user', () => {
  it.each<[string, Partial<CredentialRecord>, string | undefined]>([
    ['nothing', {}, undefined],
    ['that it is disabled', { enabled: false }, 'disabled-user'],
    ['not an end that is to come', { expiresAt: LATER }, undefined],
    ['that its end has come', { expiresAt: THEN }, 'expired-user'],
    ['an end that cannot be read', { expiresAt: 'soon' }, 'expired-user'],
    ['not a list that has its address', { ipList: ['10.0.0.0/8', '192.0.2.0/24'] }, undefined],
    ['a list that has not its address', { ipList: ['10.0.0.0/8'] }, 'foreign-address'],
    ['a list of which nothing can be read', { ipList: ['home'] }, 'foreign-address'],
  ])('%s', (_what, change, fault) => {
    const here = { clientAddress: HERE, nowMs: NOW_MS };
    expect(new CredentialRule(recordOf(change)).ownFault(here)).toBe(fault);
    expect(standingOf(recordOf(change), { ...here, project: 'shop' }).kind).toBe(fault ?? 'good');
  });

  it('that it is not there, or of another project', () => {
    const here = { clientAddress: HERE, nowMs: NOW_MS };
    expect(standingOf(undefined, { ...here, project: 'shop' }).kind).toBe('unknown-user');
    expect(standingOf(recordOf(), { ...here, project: 'bank' }).kind).toBe('foreign-user');
  });
});

describe('access to a proxy', () => {
  it.each<[string, CredentialRecord['access'], boolean]>([
    ['is had by nobody whose list is empty', [], false],
    ['is had by whoever has it without an end', [{ ...ORDERS, expiresAt: null }], true],
    ['is had until its end', [{ ...ORDERS, expiresAt: LATER }], true],
    ['is not had from its end on', [{ ...ORDERS, expiresAt: THEN }], false],
    ['is not had up to an end that cannot be read', [{ ...ORDERS, expiresAt: 'soon' }], false],
    ['is not that to a proxy of the name in another project', [{ ...ORDERS, project: 'bank', expiresAt: null }], false],
    ['is not that to another proxy of the project', [{ ...ORDERS, proxy: 'stock', expiresAt: null }], false],
  ])('%s', (_what, access, has) => {
    expect(new CredentialRule(recordOf({ access })).hasAccess(ORDERS, NOW_MS)).toBe(has);
    expect(
      access.some((entry) => entry.proxy === 'orders' && entry.project === 'shop' && isAccessLive(entry, NOW_MS)),
    ).toBe(has);
  });
});
