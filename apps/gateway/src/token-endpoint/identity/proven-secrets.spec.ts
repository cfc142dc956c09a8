import { createSecretVerifier, type ClientRecord } from '#libs/policy-contracts';
import { ProvenSecrets } from './proven-secrets.ts';

const recordOf = (secret: string): ClientRecord => ({
  ...{ clientId: 'client', project: 'shop', proxy: 'orders', proxyId: 'orders-id' },
  secretVerifier: createSecretVerifier(secret),
});

describe('secrets that were proven', () => {
  it('are known again where they are right, and others never', () => {
    const secrets = new ProvenSecrets();
    const record = recordOf('right');
    const tried = ['wrong', 'right', 'right', 'wrong', '', 'right'].map((secret) => secrets.verify(record, secret));
    expect(tried).toEqual([false, true, true, false, false, true]);
  });

  it('are no longer known when the record is another', () => {
    const secrets = new ProvenSecrets();
    expect(secrets.verify(recordOf('old'), 'old')).toBe(true);
    const record = recordOf('new');
    expect([secrets.verify(record, 'old'), secrets.verify(record, 'new')]).toEqual([false, true]);
  });

  it('are not looked up in the record again', () => {
    const secrets = new ProvenSecrets();
    const record = { ...recordOf('right') };
    expect(secrets.verify(record, 'right')).toBe(true);
    record.secretVerifier = 'unreadable';
    expect([secrets.verify(record, 'right'), secrets.verify(record, 'wrong')]).toEqual([true, false]);
  });
});
