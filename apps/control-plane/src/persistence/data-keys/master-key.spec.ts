import { dataKeyOf } from './data-key.ts';
import { MasterKey } from './master-key.ts';

const bytes = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
const key = dataKeyOf('vault', 1, Buffer.alloc(32, 0xab));

describe('a master key', () => {
  it('is named by what tells nothing of it', () => {
    expect(new MasterKey(bytes).id).toBe('b4a49ca0b8ba6703');
    expect(new MasterKey(Buffer.alloc(32, 1)).id).not.toBe(new MasterKey(bytes).id);
  });

  // Made once with node:crypto, the id with Python's hmac: whoever changes this format locks everybody out.
  it('unwraps what an earlier process wrapped', () => {
    const wrapped =
      's1.AQEBAQEBAQEBAQEB.fd0KNs6up8SKe44ce5DfPJjv765eusKVVWMWPwBF9f64HR5uIK5Hgd_kzjPQPtld1hYCsg6Eu5MMMXo';
    expect(new MasterKey(bytes).unwrap(key, wrapped)).toEqual(key.key);
  });

  it('unwraps under no other key, id, purpose or number', () => {
    const wrapped = new MasterKey(bytes).wrap(key);
    expect(new MasterKey(Buffer.alloc(32, 1)).unwrap(key, wrapped)).toBeUndefined();
    for (const other of [{ keyId: 'vault-2' }, { purpose: 'digest' as const }, { number: 2 }]) {
      expect(new MasterKey(bytes).unwrap({ ...key, ...other }, wrapped)).toBeUndefined();
    }
  });

  it('has 32 bytes', () => {
    expect(() => new MasterKey(Buffer.alloc(31))).toThrow(RangeError);
  });
});
