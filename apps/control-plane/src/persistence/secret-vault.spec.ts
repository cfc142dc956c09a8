import { randomBytes } from 'node:crypto';
import { DATA_KEY_PURPOSES, dataKeyOf, type DataKey } from './data-keys/data-key.ts';
import { DataKeys } from './data-keys/data-keys.ts';
import { MasterKey } from './data-keys/master-key.ts';
import { SecretVault, type Queryable } from './secret-vault.ts';

interface Row {
  purpose: string;
  sealed: string;
  keyId: string;
}

/** The statements that the vault speaks, on maps. */
function secretsTable(master: MasterKey) {
  const rows = new Map<string, Row>();
  const dataKeys: DataKey[] = DATA_KEY_PURPOSES.map((purpose) => dataKeyOf(purpose, 1, randomBytes(32)));
  const stored = () => dataKeys.map((key) => ({ ...key, wrapped: master.wrap(key), masterKeyId: master.id }));
  const put = (secretId: string, row: Row): object[] => {
    if (dataKeys.every(({ keyId }) => keyId !== row.keyId)) return [];
    rows.set(secretId, row);
    return [{}];
  };
  const answer = (statement: string, [secretId = '', purpose = '', sealed = '', keyId = '']: string[]): object[] => {
    if (statement.startsWith('insert')) return put(secretId, { purpose, sealed, keyId });
    if (statement.startsWith('delete')) rows.delete(secretId);
    if (statement.includes('from data_keys')) return stored();
    const found = rows.get(secretId);
    return statement.startsWith('select') && found !== undefined ? [found] : [];
  };
  const query = async (statement: string | { text: string }, values: string[] = []) => {
    const answered = answer(typeof statement === 'string' ? statement : statement.text, values);
    return { rows: answered, rowCount: answered.length };
  };
  const table: Queryable = { query: query as unknown as Queryable['query'] };
  /** As a process that starts now has it. */
  const vault = () => new SecretVault(new DataKeys(master, dataKeys));
  return { rows, table, dataKeys, vault };
}

const SECRET = 'correct horse battery staple';

describe('the vault', () => {
  const master = new MasterKey(randomBytes(32));
  let [rows, table, dataKeys, newVault, vault] = parts();
  beforeEach(() => ([rows, table, dataKeys, newVault, vault] = parts()));

  function parts() {
    const made = secretsTable(master);
    return [made.rows, made.table, made.dataKeys, made.vault, made.vault()] as const;
  }

  it('gives back what was put in, also to a process that starts later', async () => {
    const { secretId } = await vault.put(table, 'password', SECRET);
    expect(await vault.get(table, secretId)).toBe(SECRET);
    expect(await newVault().get(table, secretId)).toBe(SECRET);
  });

  it('holds the secret in no form that can be read', async () => {
    const reference = await vault.put(table, 'password', SECRET);
    const stored = JSON.stringify([...rows, reference]);
    for (const form of [
      SECRET,
      ...(['base64', 'base64url', 'hex'] as const).map((one) => Buffer.from(SECRET).toString(one)),
    ]) {
      expect(stored).not.toContain(form);
    }
  });

  it('does not open under another data key', async () => {
    const { secretId } = await vault.put(table, 'password', SECRET);
    const other = secretsTable(master).vault();
    await expect(other.get(table, secretId)).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE', secretId });
  });

  it('does not open under another id or purpose', async () => {
    const [first, second] = [await vault.put(table, 'password', SECRET), await vault.put(table, 'password', 'other')];
    const row = rows.get(first.secretId) ?? { purpose: '', sealed: '', keyId: '' };
    rows.set(second.secretId, row);
    await expect(vault.get(table, second.secretId)).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    rows.set(first.secretId, { ...row, purpose: 'proxy-key' });
    await expect(vault.get(table, first.secretId)).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
  });

  it('has nothing left of a secret that was destroyed, and says so without naming it', async () => {
    const { secretId } = await vault.put(table, 'password', SECRET);
    await vault.destroy(table, secretId);
    expect(rows.size).toBe(0);
    await expect(vault.get(table, secretId)).rejects.toThrow(`secret ${secretId} cannot be read: it was destroyed`);
  });

  it('goes on when its data key was replaced by one that it has not seen', async () => {
    const { secretId } = await vault.put(table, 'password', SECRET);
    const next = dataKeyOf('vault', 2, randomBytes(32));
    dataKeys.push(next);
    expect((await newVault().put(table, 'password', 'later')).secretId).not.toBe(secretId);
    const later = [...rows].find(([, { keyId }]) => keyId === 'vault-2');
    expect(await vault.get(table, later?.[0] ?? '')).toBe('later');
    const withoutFirst = dataKeys.filter(({ keyId }) => keyId !== 'vault-1');
    dataKeys.splice(0, dataKeys.length, ...withoutFirst);
    const stale = new SecretVault(new DataKeys(master, [...withoutFirst, dataKeyOf('vault', 1, randomBytes(32))]));
    for (const one of [vault, stale]) {
      const put = await one.put(table, 'password', SECRET);
      expect(rows.get(put.secretId)?.keyId).toBe('vault-2');
    }
  });

  it('recognises a secret by its fingerprint, which needs a data key', async () => {
    const first = await vault.put(table, 'password', 'verifier 1', SECRET);
    const second = await vault.put(table, 'password', 'verifier 2', SECRET);
    expect(first.fingerprint).toBe(second.fingerprint);
    expect(first.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(vault.fingerprint('other')).not.toBe(first.fingerprint);
    expect(secretsTable(master).vault().fingerprint(SECRET)).not.toBe(first.fingerprint);
  });

  it("recognises a text by its digest, which needs a data key and is no secret's fingerprint", () => {
    expect(vault.digest(SECRET)).toMatch(/^[0-9a-f]{64}$/);
    expect(newVault().digest(SECRET)).toBe(vault.digest(SECRET));
    expect(secretsTable(master).vault().digest(SECRET)).not.toBe(vault.digest(SECRET));
    expect(vault.digest(SECRET)).not.toContain(vault.fingerprint(SECRET));
  });
});
