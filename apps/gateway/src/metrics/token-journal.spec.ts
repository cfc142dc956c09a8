import { Registry } from 'prom-client';
import { CapturedLog } from '#libs/program-shell/testing';
import type { TokenAnswered } from '../token-endpoint/token-endpoint.ts';
import { SUMMED_UP_MS } from './repeated-lines.ts';
import { TokenJournal } from './token-journal.ts';
import { TokenMetrics } from './token-metrics.ts';

const REFUSED: TokenAnswered = {
  ...{ service: 'auth', endpoint: 'jwt', grantType: 'password', outcome: 'invalid_grant', reason: 'wrong-password' },
  ...{ proxy: 'shop/orders', clientId: 'client-1', subject: 'alice', clientAddress: '192.0.2.1' },
  ...{ correlationId: 'c', durationMs: 12.345 },
};
const REUSED: TokenAnswered = { ...REFUSED, grantType: 'refresh_token', reason: 'refresh-token-reused', familyId: 'f' };

function rig() {
  const clock = { ms: 1_000 };
  const log = new CapturedLog();
  const registry = new Registry();
  const metrics = new TokenMetrics(registry);
  const journal = new TokenJournal(log.logger, metrics, () => clock.ms);
  const metric = async (start: string) =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith(`gatewarden_${start}`));
  return { clock, log, metrics, journal, metric };
}

describe('the audit trail of the token services', () => {
  it('has a line for each request: who, from where, what became of it and why', () => {
    const { log, journal } = rig();
    journal.answered({ ...REFUSED, outcome: 'issued', reason: 'login', familyId: 'f' });
    const { correlationId, ...facts } = REFUSED;
    expect(log.lines).toEqual([
      {
        ...{ ...facts, outcome: 'issued', reason: 'login', familyId: 'f', correlationId, durationMs: 12.3 },
        ...{ level: 'info', msg: 'tokens issued', time: expect.any(String) as unknown },
      },
    ]);
  });

  it.each([
    ['issued', 'login', 'info'],
    ['refreshed', 'repeated', 'info'],
    ['revoked', 'refresh-token', 'info'],
    ['introspected', 'access-token', 'debug'],
    ['invalid_grant', 'wrong-password', 'info'],
    ['temporarily_unavailable', 'login-blocked', 'warn'],
    ['invalid_grant', 'refresh-token-reused', 'warn'],
    ['invalid_grant', 'refresh-token-altered', 'warn'],
    ['unauthorized_client', 'broken-token-settings', 'warn'],
  ])('says %s for %s on level %s', (outcome, reason, level) => {
    const { log, journal } = rig();
    journal.answered({ ...REFUSED, outcome, reason });
    expect(log.lines).toMatchObject([{ outcome, reason, level }]);
  });

  it.each([
    ['refresh-token-reused', 'debug'],
    ['refresh-token-altered', 'warn'],
  ])('says %s on level %s where somebody only asked about the token', (reason, level) => {
    const { log, journal } = rig();
    journal.answered({ ...REFUSED, endpoint: 'introspect', outcome: 'introspected', reason });
    expect(log.lines).toMatchObject([{ reason, level }]);
  });

  it('sums up refusals that say the same once a minute, of each address', () => {
    const { clock, log, journal } = rig();
    for (let n = 0; n < 1_000; n += 1) journal.answered({ ...REFUSED, correlationId: `c${n}`, durationMs: n });
    journal.answered({ ...REFUSED, clientAddress: '192.0.2.2' });
    expect(log.lines.map((line) => line['clientAddress'])).toEqual(['192.0.2.1', '192.0.2.2']);
    clock.ms += SUMMED_UP_MS;
    journal.sumUp();
    expect(log.lines.slice(2)).toMatchObject([
      { reason: 'wrong-password', subject: 'alice', count: 999, level: 'info' },
    ]);
    journal.close();
    expect(log.lines).toHaveLength(3);
  });

  it('writes every login, however many', () => {
    const { log, journal } = rig();
    for (let n = 0; n < 50; n += 1) journal.answered({ ...REFUSED, outcome: 'issued', reason: 'login' });
    expect(log.lines).toHaveLength(50);
  });

  it('lets no flood of refusals push an alarm aside, and sums alarms up by login', () => {
    const { log, journal } = rig();
    for (let n = 0; n < 3_000; n += 1) journal.answered({ ...REFUSED, clientAddress: `10.0.${n >> 8}.${n & 255}` });
    journal.answered(REUSED);
    journal.answered({ ...REUSED, familyId: 'g' });
    journal.answered(REUSED);
    const alarms = log.lines.filter(({ level }) => level === 'warn');
    expect(alarms.map((line) => line['familyId'])).toEqual(['f', 'g']);
    journal.close();
    expect(log.lines.at(-2)).toMatchObject({ level: 'warn', familyId: 'f', count: 1 });
    expect(log.lines.at(-1)).toMatchObject({ level: 'info', clientAddress: 'others', count: 1_999 });
  });

  it('lets no flood of guesses from many addresses push another alarm aside', () => {
    const { log, journal } = rig();
    const blocked = { ...REFUSED, outcome: 'temporarily_unavailable', reason: 'login-blocked' };
    for (let n = 0; n < 3_000; n += 1) journal.answered({ ...blocked, clientAddress: `10.0.${n >> 8}.${n & 255}` });
    for (const familyId of ['f', 'g']) journal.answered({ ...REUSED, familyId });
    expect(log.lines.slice(-2).map((line) => line['familyId'])).toEqual(['f', 'g']);
    expect(log.lines.length).toBeLessThan(1_100);
    journal.close();
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn', reason: 'login-blocked', count: 1_999 });
  });

  it('counts what it writes and what it does not', async () => {
    const { journal, metric } = rig();
    for (let n = 0; n < 5; n += 1) journal.answered(REFUSED);
    for (let n = 0; n < 2; n += 1) journal.answered(REUSED);
    journal.answered({ ...REFUSED, outcome: 'refreshed', reason: 'repeated' });
    const labels =
      'service="auth",endpoint="jwt",grant_type="password",outcome="invalid_grant",reason="wrong-password"';
    expect(await metric('token_answers_total')).toContain(`gatewarden_token_answers_total{${labels}} 5`);
    expect(await metric('token_alarms_total')).toEqual([
      'gatewarden_token_alarms_total{alarm="refresh-token-reused"} 2',
      'gatewarden_token_alarms_total{alarm="login-blocked"} 0',
      'gatewarden_token_alarms_total{alarm="refresh-token-altered"} 0',
      'gatewarden_token_alarms_total{alarm="broken-token-settings"} 0',
    ]);
    expect(await metric('refresh_grace_hits_total')).toEqual(['gatewarden_refresh_grace_hits_total 1']);
    const count = 'gatewarden_token_request_duration_seconds_count{service="auth",endpoint="jwt"} 8';
    expect(await metric('token_request_duration_seconds_count')).toEqual([count]);
  });
});

describe('the metrics of the token services', () => {
  it('tell how many checks run and wait, how they ended, and how many logins live', async () => {
    const { metrics, metric } = rig();
    let families: number | undefined = 3;
    metrics.observe({ passwordChecks: () => ({ running: 4, waiting: 9 }), liveFamilies: () => families });
    for (const end of ['right', 'blocked', 'blocked'] as const) metrics.countPasswordCheck(end);
    metrics.countBlockedLogin('client-secret');
    expect(await metric('password_checks{')).toEqual([
      'gatewarden_password_checks{state="running"} 4',
      'gatewarden_password_checks{state="waiting"} 9',
    ]);
    expect(await metric('password_checks_total')).toEqual([
      'gatewarden_password_checks_total{outcome="right"} 1',
      'gatewarden_password_checks_total{outcome="blocked"} 2',
    ]);
    expect(await metric('logins_blocked_total')).toEqual([
      'gatewarden_logins_blocked_total{kind="password"} 2',
      'gatewarden_logins_blocked_total{kind="client-secret"} 1',
    ]);
    expect(await metric('refresh_families')).toEqual(['gatewarden_refresh_families 3']);
    families = undefined;
    expect(await metric('refresh_families')).toEqual([]);
  });
});
