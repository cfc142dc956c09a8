import { CapturedLog } from '#libs/program-shell/testing';
import { GatewayMetrics } from './gateway-metrics.ts';
import { POLICY_COMPLAINT_EVERY_MS, PolicyJournal } from './policy-journal.ts';

function rig() {
  const clock = { ms: 1_000_000 };
  const log = new CapturedLog();
  const metrics = new GatewayMetrics();
  const journal = new PolicyJournal(log.logger, metrics, () => clock.ms);
  const count = async (name: string): Promise<string | undefined> =>
    new RegExp(`^gatewarden_${name}_total (\\d+)$`, 'm').exec(await metrics.registry.metrics())?.[1];
  return { clock, log, journal, count };
}

describe('what policies could not do as they were told', () => {
  it('is counted each time and written once a minute for each policy and reference', async () => {
    const { clock, log, journal, count } = rig();
    const one = { policy: 'P', reference: 'flow.claims' };
    for (let n = 0; n < 100; n += 1) journal.ignored(one);
    journal.ignored({ ...one, policy: 'Q' });
    journal.ignored({ ...one, reference: 'flow.other' });
    expect(log.lines).toHaveLength(3);
    clock.ms += POLICY_COMPLAINT_EVERY_MS - 1;
    journal.ignored(one);
    expect(log.lines).toHaveLength(3);
    clock.ms += 1;
    journal.ignored(one);
    expect(log.lines).toHaveLength(4);
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn', ...one });
    expect(await count('ignored_references')).toBe('104');
  });

  it('is one thing for what is ignored and another for what is dropped', async () => {
    const { log, journal, count } = rig();
    for (let n = 0; n < 2; n += 1) journal.dropped({ policy: 'P', header: 'x-user' });
    journal.ignored({ policy: 'P', reference: 'x-user' });
    expect(log.lines.map(({ policy, header, reference }) => [policy, header, reference])).toEqual([
      ['P', 'x-user', undefined],
      ['P', undefined, 'x-user'],
    ]);
    expect([await count('dropped_headers'), await count('ignored_references')]).toEqual(['2', '1']);
  });

  it('is remembered of a thousand things, the oldest forgotten first', () => {
    const { log, journal } = rig();
    for (let n = 0; n <= 1_000; n += 1) journal.ignored({ policy: 'P', reference: `flow.${n}` });
    expect(log.lines).toHaveLength(1_001);
    for (const n of [1, 1_000, 0]) journal.ignored({ policy: 'P', reference: `flow.${n}` });
    expect(log.lines.at(-1)).toMatchObject({ reference: 'flow.0' });
    expect(log.lines).toHaveLength(1_002);
  });
});
