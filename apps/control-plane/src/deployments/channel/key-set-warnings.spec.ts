import type { KeySetNote, LeaseState } from '#libs/config-distribution';
import { AnswerTally } from './answer-tally.ts';
import { appliedWith, keySetWarningsOf } from './key-set-warnings.ts';

const position = { epoch: 'log', sequence: 5 };
const question = { proxyId: 'p', kind: 'publish', deployment: 7, position } as const;
const lease = (members: Partial<LeaseState>): LeaseState => ({
  ...{ gatewayId: 'one', programVersion: '1', address: '', startedAt: '', deployment: 7, loaded: null },
  ...{ handled: [], unsettled: [], rejected: [], served: { proxies: 1, digest: '' } },
  ...members,
});
const note = (members: Partial<KeySetNote> = {}): KeySetNote => ({
  ...{ proxyId: 'p', deployment: 7, address: 'https://idp.test/jwks', state: 'failed', reason: 'http-status 503' },
  ...members,
});
const WARNING = { gatewayId: 'one', address: 'https://idp.test/jwks', state: 'failed', reason: 'http-status 503' };

describe('what a gateway lacks that applied a deployment', () => {
  it('is what its lease says of that deployment of that proxy, and of no other', () => {
    const others = [note({ deployment: 6 }), note({ deployment: 8 }), note({ proxyId: 'q' })];
    expect(keySetWarningsOf(lease({ keySetNotes: [...others, note()] }), question)).toEqual([WARNING]);
    expect(keySetWarningsOf(lease({ keySetNotes: others }), question)).toEqual([]);
  });

  it('is not known of a gateway of an earlier build', () => {
    expect(keySetWarningsOf(lease({}), question)).toBeUndefined();
  });

  it.each([
    ['https://idp.test/jwks?code=secret', 'https://idp.test/jwks'],
    ['https://user:secret@idp.test/jwks#secret', 'https://idp.test/jwks'],
    ['http://10.0.0.1:8080/', 'http://10.0.0.1:8080/'],
    ['data:application/json,secret', ''],
    ['no address, a secret', ''],
  ])('is shown without what may be a secret: %s', (address, shown) => {
    const [warning] = keySetWarningsOf(lease({ keySetNotes: [note({ address })] }), question) ?? [];
    expect(warning?.address).toBe(shown);
  });

  it('is said once where addresses look the same without their query', () => {
    const keySetNotes = [note({ address: 'https://idp.test/jwks?a' }), note({ address: 'https://idp.test/jwks?b' })];
    expect(keySetWarningsOf(lease({ keySetNotes }), question)).toEqual([WARNING]);
  });

  it('is put into words', () => {
    const keySetNotes = [
      ...[note(), note({ address: 'https://b.test/', state: 'fetching', reason: undefined })],
      ...[note({ address: '' }), note({ address: 'https://c.test/', reason: undefined })],
    ];
    expect(appliedWith(keySetWarningsOf(lease({ keySetNotes }), question) ?? [])).toBe(
      'applied; the key set https://idp.test/jwks cannot be fetched (http-status 503); ' +
        'the key set https://b.test/ is still being fetched; ' +
        'a key set whose address is none cannot be fetched (http-status 503); ' +
        'the key set https://c.test/ cannot be fetched',
    );
    expect(appliedWith([])).toBe('applied');
  });
});

describe('the answers to a deployment', () => {
  const tally = (): AnswerTally => new AnswerTally(question);
  const fetching = note({ state: 'fetching', reason: undefined });

  it('are complete whatever key sets are missing, and warn of them', () => {
    const answers = tally();
    answers.hear('one', lease({ handled: [7], keySetNotes: [note()] }), 12);
    answers.hear('two', lease({ gatewayId: 'two', handled: [7] }), 13);
    expect(answers.pending).toBe(0);
    expect(answers.count()).toMatchObject({
      ...{ live: 2, applied: 2, rejected: 0, pending: 0 },
      details: [
        { gatewayId: 'one', outcome: 'applied', warnings: [WARNING] },
        { gatewayId: 'two', outcome: 'applied', warnings: [] },
      ],
    });
  });

  it('warn of what was said last', () => {
    const answers = tally();
    const warnings = () => answers.count().details.flatMap((one) => one.warnings.map(({ state }) => state));
    answers.hear('one', lease({ handled: [7], keySetNotes: [fetching] }), 1);
    expect(warnings()).toEqual(['fetching']);
    answers.hear('one', lease({ handled: [7], keySetNotes: [note()] }), 2);
    expect(warnings()).toEqual(['failed']);
    answers.hear('one', lease({ handled: [7], keySetNotes: [] }), 3);
    expect(warnings()).toEqual([]);
  });

  it('warn of nothing while they are none, or are rejections', () => {
    const answers = tally();
    answers.hear('one', lease({ keySetNotes: [note()] }), 1);
    const rejected = [{ proxyId: 'p', deployment: 7, reason: 'no key' }];
    answers.hear('two', lease({ gatewayId: 'two', rejected, keySetNotes: [note()] }), 1);
    expect(answers.count()).toMatchObject({ applied: 0, details: [{ warnings: [] }, { warnings: [] }] });
  });
});
