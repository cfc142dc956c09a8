import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';
import { startEmbeddedPostgres } from '#libs/embedded-servers';
import { ADVISORY_LOCKS, verifyHistory } from '#libs/event-store';
import { FaultPoint, type Fault, type Moment, type Step } from '../../../test/support/fault-point.ts';
import { FaultProxy } from '../../../test/support/fault-proxy.ts';
import { PostgresWire } from '../../../test/support/postgres-wire.ts';
import { generatedMasterKey } from '../src/config/generated-secret.ts';
import { withMasterKey } from '../src/config/with-master-key.ts';
import { MASTER_KEY_REWRAP } from '../src/maintenance/master-key-rewrap.ts';
import { replaceMasterKey } from '../src/maintenance/replace-master-key.ts';
import { connectDatabase } from '../src/persistence/connect-database.ts';
import { MasterKey } from '../src/persistence/data-keys/master-key.ts';
import { prepareDatabase } from '../src/persistence/prepare-database.ts';
import { resealSecrets } from '../src/persistence/reseal-secrets.ts';
import { SecretVault } from '../src/persistence/secret-vault.ts';
import {
  databaseOfEarlierVersion,
  earlierFingerprint,
  type EarlierDatabase,
} from './testing/database-of-earlier-version.ts';
import { waitedFor } from './testing/open-transactions.ts';
import { credentialBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const idOf = (key: Buffer): string => new MasterKey(key).id;
const directories: string[] = [];
const databases: EarlierDatabase[] = [];
afterAll(async () => {
  for (const directory of directories) rmSync(directory, { recursive: true });
  await Promise.all(databases.map((one) => one.drop()));
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatewarden-rewrap-'));
  chmodSync(directory, 0o711);
  directories.push(directory);
  return directory;
}

async function earlierDatabase(masterKey: Buffer, secretCount: number): Promise<EarlierDatabase> {
  const database = await databaseOfEarlierVersion(masterKey, secretCount);
  databases.push(database);
  return database;
}

async function onClient<Value>(url: string, work: (client: pg.Client) => Promise<Value>): Promise<Value> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

interface Ended {
  readonly status: number | null;
  readonly printed: string;
  readonly said: string;
}

/** What `npm run master-key:rewrap` does, in this process. */
async function command(environment: Record<string, string>, values: Record<string, boolean> = {}): Promise<Ended> {
  const printed: string[] = [];
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const place = await MASTER_KEY_REWRAP.open(environment);
  try {
    const status = await MASTER_KEY_REWRAP.run(place, { values, positionals: [] });
    return { status, printed: printed.join(''), said: '' };
  } catch (error) {
    return { status: 2, printed: printed.join(''), said: (error as Error).message };
  } finally {
    spy.mockRestore();
    await place.close();
  }
}

/** The same in a process of its own. */
function program(environment: Record<string, string>, ...args: string[]): Ended {
  const file = 'apps/control-plane/src/maintenance/master-key-rewrap.main.ts';
  const all = ['--import', './test/support/import-typescript.mjs', file, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { env: environment, encoding: 'utf8' });
  return { status, printed: stdout, said: stderr };
}

const settings = (url: string, key: Buffer, next?: Buffer) => ({
  ...{ DATABASE_URL: url, MASTER_KEY: key.toString('base64') },
  ...(next === undefined ? {} : { NEW_MASTER_KEY: next.toString('base64') }),
});

const keysUnderSecrets = async (pool: pg.Pool): Promise<string[]> =>
  (await pool.query<{ keyId: string }>('select distinct key_id as "keyId" from secrets order by 1')).rows.map(
    ({ keyId }) => keyId,
  );

const vaultKeys = async (pool: pg.Pool): Promise<string[]> =>
  (
    await pool.query<{ keyId: string }>(
      `select key_id as "keyId" from data_keys where purpose = 'vault' order by number`,
    )
  ).rows.map(({ keyId }) => keyId);

/** Everything is as the earlier version left it, for somebody who starts now. */
async function expectWhole({ url, pool, secrets }: EarlierDatabase, masterKey: Buffer): Promise<void> {
  const { keys } = await prepareDatabase(url, masterKey);
  const vault = new SecretVault(keys);
  for (const [secretId, secret] of secrets) expect(await vault.get(pool, secretId)).toBe(secret);
  expect(await verifyHistory(pool, keys.history, { files: [], faultLimit: 9 })).toMatchObject({
    ...{ faultCount: 0, events: 6, anchor: { events: 6 } },
  });
}

const MOMENTS: readonly Moment[] = ['before', 'after'];

/** Does some work by way of a proxy, and again and again, broken off at every statement of it, before and after. */
async function brokenOffAnywhere(
  { url }: EarlierDatabase,
  work: (client: pg.Client) => Promise<unknown>,
  look: (fault: Fault) => Promise<void>,
): Promise<Step[]> {
  const faults = new FaultPoint();
  const proxy = await FaultProxy.before(url, faults, () => new PostgresWire());
  faults.record();
  await onClient(proxy.url, work);
  const steps = faults.endRecord();
  await proxy.close();
  for (const step of steps) {
    for (const moment of MOMENTS) {
      const door = await FaultProxy.before(url, faults, () => new PostgresWire());
      const struck = faults.arm({ step, moment });
      const ended = onClient(door.url, work).then(
        () => 'done',
        () => 'broken off',
      );
      await Promise.race([struck, ended]);
      await door.close();
      faults.release();
      expect([step.name, moment, await ended]).toEqual([step.name, moment, 'broken off']);
      await look({ step, moment });
    }
  }
  return steps;
}

describe('a re-wrap', () => {
  const [first, second] = [randomBytes(32), randomBytes(32)];
  let database: EarlierDatabase;
  beforeAll(async () => {
    database = await earlierDatabase(first, 3);
    await expectWhole(database, first);
  });

  it('puts everything under the new master key, and the old one is refused by the ids of both', async () => {
    const { status, printed, said } = await command(settings(database.url, first, second));
    expect({ status, said }).toEqual({ status: 0, said: '' });
    expect(printed).toContain(`under master key ${idOf(second)}: 6 wrapped anew`);
    for (const key of [first, second]) expect(printed).not.toContain(key.toString('base64'));
    await expectWhole(database, second);
    const { keys } = await prepareDatabase(database.url, second);
    expect(new SecretVault(keys).fingerprint('a')).toBe(earlierFingerprint(first, 'a'));
    await expect(prepareDatabase(database.url, first)).rejects.toMatchObject({
      ...{ givenId: idOf(first), neededId: idOf(second) },
    });
  });

  it('that is run again has nothing to do', async () => {
    const { status, printed } = await command(settings(database.url, first, second));
    expect([status, printed]).toEqual([0, expect.stringContaining(`${idOf(second)}: were under it already`)]);
  });

  it('is refused under a third key, without a new one, with the same one, and with two of them', async () => {
    const third = randomBytes(32);
    for (const [environment, values, why] of [
      [settings(database.url, third, first), {}, `needs master key ${idOf(second)}`],
      [settings(database.url, second), {}, 'NEW_MASTER_KEY, or --generate'],
      [settings(database.url, second, second), {}, 'the same as MASTER_KEY'],
      [settings(database.url, second, third), { generate: true }, 'NEW_MASTER_KEY, or --generate'],
      [settings(database.url, second), { generate: true }, 'but MASTER_KEY is set'],
      [settings(database.url, second), { reseal: true, status: true }, 'exclude each other'],
    ] as const) {
      const { status, said } = await command(environment, values);
      expect([status, said]).toEqual([2, expect.stringContaining(why)]);
    }
  });

  it('of two at once is done by one, under exactly its key', async () => {
    const masterKey = randomBytes(32);
    const other = await earlierDatabase(masterKey, 2);
    await expectWhole(other, masterKey);
    const news = [randomBytes(32), randomBytes(32)];
    const ended = await Promise.allSettled(
      news.map((key) => onClient(other.url, (client) => replaceMasterKey(client, { dataDir: '', masterKey }, key))),
    );
    const done = ended.flatMap(({ status }, index) => (status === 'fulfilled' ? [news[index]!] : []));
    expect(done).toHaveLength(1);
    await expectWhole(other, done[0]!);
  });

  it('is not begun while another one is under way', async () => {
    await onClient(database.url, async (client) => {
      await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCKS.masterKeyRewrap]);
      const { status, said } = await command(settings(database.url, second, first));
      expect([status, said]).toEqual([2, expect.stringContaining('another master-key:rewrap is under way')]);
    });
  });

  it('is done while a checkpoint of the history is taken', async () => {
    await onClient(database.url, async (client) => {
      await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCKS.checkpoint]);
      const { status, said } = await command(settings(database.url, first, second));
      expect({ status, said }).toEqual({ status: 0, said: '' });
    });
  });

  it('shows which master key is in use, and how many secrets are under which data key', async () => {
    const { status, printed } = await command(settings(database.url, second), { status: true });
    expect(status).toBe(0);
    expect(printed).toMatch(new RegExp(`^master key ${idOf(second)}\n(.*\n)*  vault-1 +3 secrets\n$`));
  });
});

describe('a re-wrap in DATA_DIR', () => {
  const dataDir = temporaryDirectory();
  const place = { dataDir, masterKey: undefined };
  let database: EarlierDatabase;
  const keyOfAStart = () =>
    withMasterKey(
      place,
      () => generatedMasterKey(dataDir),
      async (key) => {
        await prepareDatabase(database.url, key);
        return key;
      },
    );
  beforeAll(async () => {
    database = await earlierDatabase(generatedMasterKey(dataDir), 2);
    await expectWhole(database, await keyOfAStart());
  });

  it('that is broken off at any statement leaves the key that the next start needs', async () => {
    const found: string[] = [];
    let before: string | undefined;
    const steps = await brokenOffAnywhere(
      database,
      async (client) => replaceMasterKey(client, place, randomBytes(32)),
      async ({ step, moment }) => {
        const key = await keyOfAStart();
        await expectWhole(database, key);
        expect(key).toEqual(generatedMasterKey(dataDir));
        if (before !== undefined && idOf(key) !== before)
          found.push(`${moment} ${step.name.split('\n').at(-1)?.trim()}`);
        before = idOf(key);
      },
    );
    expect(steps.length).toBeGreaterThan(8);
    expect(found).toEqual(['after commit']);
  });

  it('replaces the file, readable by its owner only, and leaves no other', async () => {
    const before = await keyOfAStart();
    const next = randomBytes(32);
    await onClient(database.url, (client) => replaceMasterKey(client, place, next));
    expect([generatedMasterKey(dataDir), await keyOfAStart()]).toEqual([next, next]);
    expect(next).not.toEqual(before);
    expect(statSync(path.join(dataDir, 'master-key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(['master-key']);
  });

  it('does not take a key that was left there and never used', async () => {
    const before = await keyOfAStart();
    writeFileSync(path.join(dataDir, 'master-key.next'), `${randomBytes(32).toString('base64')}\n`);
    expect(await keyOfAStart()).toEqual(before);
    const next = randomBytes(32);
    await onClient(database.url, (client) => replaceMasterKey(client, place, next));
    expect(await keyOfAStart()).toEqual(next);
  });
});

describe('npm run master-key:rewrap -- --generate', () => {
  it('replaces the key in DATA_DIR and never prints it, while the control plane is down', async () => {
    const dataDir = temporaryDirectory();
    const server = await startEmbeddedPostgres({ dataDir, durable: false });
    const before = generatedMasterKey(dataDir);
    await prepareDatabase(server.url, before);
    await server.stop();
    const { status, printed, said } = program({ DATA_DIR: dataDir }, '--generate');
    expect({ status, said }).toEqual({ status: 0, said: '' });
    const after = generatedMasterKey(dataDir);
    expect(after).not.toEqual(before);
    expect(printed).toContain(idOf(after));
    for (const key of [before, after]) expect(printed).not.toContain(key.toString('base64'));
    expect(existsSync(path.join(dataDir, 'master-key.next'))).toBe(false);
    const shown = await command({ DATA_DIR: dataDir }, { status: true });
    expect(shown.printed).toContain(`master key ${idOf(after)}\n`);
    expect(readFileSync(path.join(dataDir, 'master-key'), 'utf8').trim()).toBe(after.toString('base64'));
  });
});

describe('resealing', () => {
  const masterKey = randomBytes(32);

  it('seals everything anew under a new data key, and the old one is gone', async () => {
    const database = await earlierDatabase(masterKey, 250);
    await prepareDatabase(database.url, masterKey);
    const { status, printed } = await command(settings(database.url, masterKey), { reseal: true });
    expect([status, printed]).toEqual([0, '250 secrets sealed anew under vault-2.\n']);
    expect([await keysUnderSecrets(database.pool), await vaultKeys(database.pool)]).toEqual([['vault-2'], ['vault-2']]);
    await expectWhole(database, masterKey);
  });

  it('that is broken off at any statement goes on', async () => {
    const database = await earlierDatabase(masterKey, 3);
    const { keys: fromStart } = await prepareDatabase(database.url, masterKey);
    const running = new SecretVault(fromStart);
    const work = async (client: pg.Client) =>
      resealSecrets(client, (await prepareDatabase(database.url, masterKey)).keys);
    const steps = await brokenOffAnywhere(database, work, async () => {
      await expectWhole(database, masterKey);
      for (const [secretId, secret] of database.secrets)
        expect(await running.get(database.pool, secretId)).toBe(secret);
      const [, made] = await vaultKeys(database.pool);
      await onClient(database.url, work);
      expect(await vaultKeys(database.pool)).toEqual(await keysUnderSecrets(database.pool));
      // What was begun is gone on with, and not begun anew.
      if (made !== undefined) expect(await vaultKeys(database.pool)).toEqual([made]);
      expect(await vaultKeys(database.pool)).toHaveLength(1);
    });
    expect(steps.length).toBeGreaterThan(10);
  });

  it('leaves a secret that was altered as it is, with its key, and names it', async () => {
    const database = await earlierDatabase(masterKey, 3);
    await prepareDatabase(database.url, masterKey);
    const [altered = ''] = database.secrets.keys();
    await database.pool.query(`update secrets set sealed = sealed || 'AA' where secret_id = $1`, [altered]);
    const { status, printed } = await command(settings(database.url, masterKey), { reseal: true });
    expect([status, printed]).toEqual([1, expect.stringContaining(altered)]);
    expect(await vaultKeys(database.pool)).toEqual(['vault-1', 'vault-2']);
    const { rows } = await database.pool.query(`select secret_id from secrets where key_id = 'vault-1'`);
    expect(rows).toEqual([{ secret_id: altered }]);

    const again = await command(settings(database.url, masterKey), { reseal: true });
    expect(again.printed).toContain('2 secrets sealed anew under vault-3.\n');
    expect(await vaultKeys(database.pool)).toEqual(['vault-1', 'vault-3']);
  });

  /** Seals anew while a change is under way, which ends once the resealing waits for it. */
  async function resealDuring(
    database: EarlierDatabase,
    change: (client: pg.Client, vault: SecretVault) => Promise<unknown>,
  ): Promise<SecretVault> {
    const vault = new SecretVault((await prepareDatabase(database.url, masterKey)).keys);
    const { keys } = await prepareDatabase(database.url, masterKey);
    await onClient(database.url, async (client) => {
      await client.query('begin');
      await change(client, vault);
      const resealed = onClient(database.url, (other) => resealSecrets(other, keys));
      await waitedFor(client);
      await client.query('commit');
      expect((await resealed).damaged).toEqual([]);
    });
    expect(await keysUnderSecrets(database.pool)).toEqual(['vault-2']);
    expect(await vaultKeys(database.pool)).toEqual(['vault-2']);
    return vault;
  }

  it('waits for a change that destroys a secret, and leaves it destroyed', async () => {
    const database = await earlierDatabase(masterKey, 4);
    const [destroyed = '', kept = ''] = database.secrets.keys();
    const vault = await resealDuring(database, (client, one) => one.destroy(client, destroyed));
    await expect(vault.get(database.pool, destroyed)).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    expect(await vault.get(database.pool, kept)).toBe(database.secrets.get(kept));
  });

  it('waits for a change that puts a secret under the old key, and seals that one anew too', async () => {
    const database = await earlierDatabase(masterKey, 4);
    let put = '';
    const vault = await resealDuring(database, async (client, one) => {
      put = (await one.put(client, 'password', 'put meanwhile')).secretId;
    });
    expect(await vault.get(database.pool, put)).toBe('put meanwhile');
  });
});

describe('a running control plane', () => {
  it('goes on through all three steps, and none of its requests fails', async () => {
    let plane = await RunningControlPlane.start();
    const { database, masterKey: first } = plane;
    const second = randomBytes(32);
    await plane.done('POST', '/projects/', { name: 'shop' });
    const change = (name: string) =>
      plane.done('POST', '/projects/shop/credentials/', credentialBody(name, `the password of ${name}`));
    await change('before');

    expect((await command(settings(database.url, first, second))).status).toBe(0);
    await change('rewrapped');

    const earlier = connectDatabase(database.url, pino({ level: 'silent' }), idOf(first));
    await earlier.query('select');
    const refused = await command(settings(database.url, second), { reseal: true });
    expect([refused.status, refused.said]).toEqual([2, expect.stringContaining(idOf(first))]);
    expect(await vaultKeys(database.pool)).toEqual(['vault-1']);
    await earlier.end();
    await plane.app.close();
    plane.redis.disconnect();
    plane = await RunningControlPlane.start({}, { database, masterKey: second });
    await change('restarted');

    let isDone = false;
    const changes = (async () => {
      for (let index = 0; !isDone; index += 1) await change(`meanwhile-${index}`);
    })();
    const { keys } = await prepareDatabase(database.url, second);
    await onClient(database.url, (client) => resealSecrets(client, keys));
    isDone = true;
    await changes;
    await change('after');
    expect([await keysUnderSecrets(database.pool), await vaultKeys(database.pool)]).toEqual([['vault-2'], ['vault-2']]);
    await plane.close();
  });
});
