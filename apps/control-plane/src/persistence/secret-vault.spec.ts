import { randomBytes } from 'node:crypto';
import { SecretVault, type Queryable } from './secret-vault.ts';

interface Row {
  purpose: string;
  sealed: string;
}

/** The three statements that the vault speaks, on a map. */
function secretsTable(): { rows: Map<string, Row>; table: Queryable } {
  const rows = new Map<string, Row>();
  const answer = (statement: string, [secretId = '', purpose = '', sealed = '']: string[]): Row[] => {
    const found = rows.get(secretId);
    if (statement.startsWith('insert')) rows.set(secretId, { purpose, sealed });
    if (statement.startsWith('delete')) rows.delete(secretId);
    return statement.startsWith('select') && found !== undefined ? [found] : [];
  };
  const query = async (statement: string | { text: string }, values: string[]) => ({
    rows: answer(typeof statement === 'string' ? statement : statement.text, values),
  });
  return { rows, table: { query: query as unknown as Queryable['query'] } };
}

const SECRET = 'correct horse battery staple';

describe('the vault', () => {
  const masterKey = randomBytes(32);
  const vault = new SecretVault(masterKey);

  it('gives back what was put in, also to a process that starts later', async () => {
    const { table } = secretsTable();
    const { secretId } = await vault.put(table, 'password', SECRET);
    expect(await vault.get(table, secretId)).toBe(SECRET);
    expect(await new SecretVault(masterKey).get(table, secretId)).toBe(SECRET);
  });

  it('holds the secret in no form that can be read', async () => {
    const { rows, table } = secretsTable();
    const reference = await vault.put(table, 'password', SECRET);
    const stored = JSON.stringify([...rows, reference]);
    for (const form of [
      SECRET,
      ...(['base64', 'base64url', 'hex'] as const).map((one) => Buffer.from(SECRET).toString(one)),
    ]) {
      expect(stored).not.toContain(form);
    }
  });

  it('does not open under another master key', async () => {
    const { table } = secretsTable();
    const { secretId } = await vault.put(table, 'password', SECRET);
    const other = new SecretVault(randomBytes(32));
    await expect(other.get(table, secretId)).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE', secretId });
  });

  it('does not open under another id or purpose', async () => {
    const { rows, table } = secretsTable();
    const [first, second] = [await vault.put(table, 'password', SECRET), await vault.put(table, 'password', 'other')];
    const row = rows.get(first.secretId) ?? { purpose: '', sealed: '' };
    rows.set(second.secretId, row);
    await expect(vault.get(table, second.secretId)).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    rows.set(first.secretId, { ...row, purpose: 'proxy-key' });
    await expect(vault.get(table, first.secretId)).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
  });

  it('has nothing left of a secret that was destroyed, and says so without naming it', async () => {
    const { rows, table } = secretsTable();
    const { secretId } = await vault.put(table, 'password', SECRET);
    await vault.destroy(table, secretId);
    expect(rows.size).toBe(0);
    await expect(vault.get(table, secretId)).rejects.toThrow(`secret ${secretId} cannot be read: it was destroyed`);
  });

  it('recognises a secret by its fingerprint, which needs the master key', async () => {
    const { table } = secretsTable();
    const first = await vault.put(table, 'password', 'verifier 1', SECRET);
    const second = await vault.put(table, 'password', 'verifier 2', SECRET);
    expect(first.fingerprint).toBe(second.fingerprint);
    expect(first.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(vault.fingerprint('other')).not.toBe(first.fingerprint);
    expect(new SecretVault(randomBytes(32)).fingerprint(SECRET)).not.toBe(first.fingerprint);
  });

  it("recognises a text by its digest, which needs the master key and is no secret's fingerprint", () => {
    expect(vault.digest(SECRET)).toMatch(/^[0-9a-f]{64}$/);
    expect(new SecretVault(masterKey).digest(SECRET)).toBe(vault.digest(SECRET));
    expect(new SecretVault(randomBytes(32)).digest(SECRET)).not.toBe(vault.digest(SECRET));
    expect(vault.digest(SECRET)).not.toContain(vault.fingerprint(SECRET));
  });
});
