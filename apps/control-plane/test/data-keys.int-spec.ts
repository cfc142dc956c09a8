import { randomBytes } from 'node:crypto';
import { EVENT_STORE_MIGRATIONS, migrate, verifyHistory } from '#libs/event-store';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { CONTROL_PLANE_MIGRATIONS } from '../src/persistence/control-plane-migrations.ts';
import { MasterKey } from '../src/persistence/data-keys/master-key.ts';
import { openDataKeys } from '../src/persistence/data-keys/open-data-keys.ts';
import { prepareDatabase } from '../src/persistence/prepare-database.ts';
import { SecretVault } from '../src/persistence/secret-vault.ts';
import {
  databaseOfEarlierVersion,
  earlierDigest,
  earlierFingerprint,
  type EarlierDatabase,
} from './testing/database-of-earlier-version.ts';

const masterKey = randomBytes(32);
const idOf = (key: Buffer): string => new MasterKey(key).id;

const databases: FreshDatabase[] = [];
afterAll(() => Promise.all(databases.map((one) => one.drop())));

async function earlier(secretCount = 3): Promise<EarlierDatabase> {
  const database = await databaseOfEarlierVersion(masterKey, secretCount);
  databases.push(database);
  return database;
}

async function fresh(): Promise<FreshDatabase> {
  const database = await freshDatabase();
  databases.push(database);
  return database;
}

const vaultOf = async ({ url }: FreshDatabase, key = masterKey): Promise<SecretVault> =>
  new SecretVault((await prepareDatabase(url, key)).keys);

const sealedTexts = async ({ pool }: FreshDatabase) =>
  (await pool.query('select secret_id, sealed from secrets order by 1')).rows as object[];

describe('a database of the version before data keys', () => {
  it('keeps the keys it had: nothing is sealed anew, and everything stays readable and verified', async () => {
    const database = await earlier();
    const before = await sealedTexts(database);
    const { keys, sealedEvents } = await prepareDatabase(database.url, masterKey);
    expect(sealedEvents).toBeUndefined();
    expect(await sealedTexts(database)).toEqual(before);
    const vault = new SecretVault(keys);
    for (const [secretId, secret] of database.secrets) expect(await vault.get(database.pool, secretId)).toBe(secret);
    expect(vault.fingerprint('one')).toBe(earlierFingerprint(masterKey, 'one'));
    expect(vault.digest('one')).toBe(earlierDigest(masterKey, 'one'));
    expect(await verifyHistory(database.pool, keys.history, { files: [], faultLimit: 9 })).toMatchObject({
      ...{ faultCount: 0, events: 6, anchor: { events: 6 } },
    });
  });

  it('may still be written by that version beside, until it is stopped', async () => {
    const database = await earlier(1);
    const vault = await vaultOf(database);
    const [row] = (await sealedTexts(database)) as { secret_id: string; sealed: string }[];
    await database.pool.query('delete from secrets');
    await database.pool.query('insert into secrets (secret_id, purpose, sealed) values ($1, $2, $3)', [
      ...[row?.secret_id, 'password', row?.sealed],
    ]);
    expect(await vault.get(database.pool, row?.secret_id ?? '')).toBe('the secret of 0');
  });

  it('is refused under another master key, and left as it was', async () => {
    const database = await earlier();
    const other = randomBytes(32);
    await expect(prepareDatabase(database.url, other)).rejects.toThrow(`this is master key ${idOf(other)}`);
    expect((await database.pool.query('select from data_keys')).rowCount).toBe(0);
    await vaultOf(database);
  });
});

describe('a new database', () => {
  it('has keys of its own, whatever the master key', async () => {
    const [one, other] = [await fresh(), await fresh()];
    const vault = await vaultOf(one);
    expect((await vaultOf(other)).fingerprint('a')).not.toBe(vault.fingerprint('a'));
    expect((await vaultOf(one)).fingerprint('a')).toBe(vault.fingerprint('a'));
    expect(vault.fingerprint('a')).not.toBe(earlierFingerprint(masterKey, 'a'));
  });

  it('is refused under another master key, by the ids of both', async () => {
    const database = await fresh();
    await prepareDatabase(database.url, masterKey);
    const other = randomBytes(32);
    await expect(prepareDatabase(database.url, other)).rejects.toMatchObject({
      ...{ code: 'BAD_SETTINGS', givenId: idOf(other), neededId: idOf(masterKey) },
      message: expect.stringMatching(
        new RegExp(`MASTER_KEY is not the one.*${idOf(other)}.*${idOf(masterKey)}`),
      ) as string,
    });
  });
});

describe.each([
  ['a new database', fresh],
  ['a database of the version before', () => earlier()],
])('%s', (_what, make) => {
  it('gets one set of keys from processes that start at once', async () => {
    const database = await make();
    await migrate(database.url, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
    const clients = await Promise.all(Array.from({ length: 6 }, () => database.pool.connect()));
    const opened = await Promise.all(clients.map((client) => openDataKeys(client, masterKey)));
    for (const client of clients) client.release();
    const vaults = opened.map((keys) => new SecretVault(keys));
    expect(new Set(vaults.map((vault) => vault.fingerprint('a'))).size).toBe(1);
    expect((await database.pool.query('select from data_keys')).rowCount).toBe(6);
    const { secretId } = await vaults[0]!.put(database.pool, 'password', 'kept');
    for (const vault of vaults) expect(await vault.get(database.pool, secretId)).toBe('kept');
  });

  it('holds no key in clear', async () => {
    const database = await make();
    const { keys } = await prepareDatabase(database.url, masterKey);
    await new SecretVault(keys).put(database.pool, 'password', 'correct horse');
    const { rows } = await database.pool.query<{ text: string }>(
      'select to_jsonb(d)::text as text from data_keys d union all select to_jsonb(s)::text from secrets s',
    );
    const stored = rows.map(({ text }) => text).join('\n');
    const inMemory = [masterKey, keys.newestVaultKey.key, keys.fingerprint, keys.digest, keys.history.checkpointSeed];
    for (const key of [...inMemory, Buffer.from('correct horse')]) {
      for (const form of ['hex', 'base64', 'base64url'] as const) expect(stored).not.toContain(key.toString(form));
    }
    expect(stored).toContain(idOf(masterKey));
  });

  it('is not given other keys when they were taken away', async () => {
    const database = await make();
    const vault = await vaultOf(database);
    await vault.put(database.pool, 'password', 'kept');
    await database.pool.query('alter table secrets drop constraint secrets_key_id');
    await database.pool.query(`delete from data_keys where purpose = 'digest'`);
    await expect(prepareDatabase(database.url, masterKey)).rejects.toMatchObject({ code: 'DATA_KEY_DAMAGED' });
    await database.pool.query('delete from data_keys');
    await database.pool.query(`update secrets set sealed = 's1.AAAA.AAAA'`);
    await expect(prepareDatabase(database.url, masterKey)).rejects.toMatchObject({ code: 'BAD_SETTINGS' });
  });

  it('does not take a data key for another one', async () => {
    const database = await make();
    await prepareDatabase(database.url, masterKey);
    await database.pool.query(
      `update data_keys set wrapped = (select wrapped from data_keys where purpose = 'digest')
       where purpose = 'fingerprint'`,
    );
    await expect(prepareDatabase(database.url, masterKey)).rejects.toMatchObject({
      ...{ code: 'DATA_KEY_DAMAGED', keyId: 'fingerprint-1' },
    });
  });
});
