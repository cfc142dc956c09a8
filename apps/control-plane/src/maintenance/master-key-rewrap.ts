import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { ADVISORY_LOCKS } from '#libs/event-store';
import { BadSettings, type EnvironmentVariables } from '#libs/program-shell';
import { readControlPlaneConfig, readNewMasterKey, type ControlPlaneConfig } from '../config/control-plane.config.ts';
import { withMasterKey } from '../config/with-master-key.ts';
import { dataKeyUsage, earlierMasterKeys } from '../persistence/data-key-usage.ts';
import { requirePreparedDatabase, withClient } from '../persistence/prepare-database.ts';
import { resealSecrets } from '../persistence/reseal-secrets.ts';
import { masterKeyInDataDir, reachServer } from './open-history.ts';
import { replaceMasterKey } from './replace-master-key.ts';
import { WrongArguments, type Arguments, type CommandResources, type MaintenanceCommand } from './run-command.ts';

const HELP = `npm run master-key:rewrap [-- OPTIONS]

Puts another master key in the place of the one in use. Works beside a running control plane and while it is down, with the
same settings (DATABASE_URL and MASTER_KEY, or DATA_DIR). Secrets and history are under data keys; the master key wraps these
alone. Three steps:

  1. NEW_MASTER_KEY=... npm run master-key:rewrap     32 bytes in base64; MASTER_KEY is still the one in use
     (or -- --generate, where the one in use is in DATA_DIR: it is replaced there, and never printed)
     wraps the data keys under the new one, all in one transaction. What runs goes on with what it has in memory.
  2. Start every control plane and every deployer again, with MASTER_KEY being the new one.
  3. npm run master-key:rewrap -- --reseal
     seals every secret anew under a new data key, and deletes the old one. Refused while a process that was started before
     step 1 is connected.

Ended in the middle, a step is done by running it again. A backup of the database made before step 1 opens with the earlier
master key alone: keep that one as long as the backup (--generate replaces the file, so copy it first).

  --generate  a random new master key into DATA_DIR/master-key, instead of NEW_MASTER_KEY
  --reseal    step 3
  --status    which master key is in use, and how many secrets are under which data key; changes nothing
  --help

Exit code: 0 done, 1 secrets were found altered and left as they are, 2 it could not be done.
`;

const PROGRESS_EVERY_MS = 1_000;

interface Place extends CommandResources {
  readonly config: ControlPlaneConfig;
  readonly newMasterKey: Buffer | undefined;
  readonly databaseUrl: string;
}

async function open(environment: EnvironmentVariables): Promise<Place> {
  const config = readControlPlaneConfig(environment);
  const newMasterKey = readNewMasterKey(environment);
  const server = await reachServer(config);
  return { config, newMasterKey, databaseUrl: server.url, close: () => server.stop(), breakOff: () => server.stop() };
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** @throws WrongArguments */
function newKeyOf({ config, newMasterKey }: Place, isToBeGenerated: boolean): Buffer {
  if (isToBeGenerated === (newMasterKey !== undefined)) {
    throw new WrongArguments('one of the two is needed: NEW_MASTER_KEY, or --generate');
  }
  if (newMasterKey === undefined && config.masterKey !== undefined) {
    throw new WrongArguments('--generate is for a master key in DATA_DIR, but MASTER_KEY is set');
  }
  if (newMasterKey !== undefined && config.masterKey?.equals(newMasterKey)) {
    throw new WrongArguments('NEW_MASTER_KEY is the same as MASTER_KEY');
  }
  return newMasterKey ?? randomBytes(32);
}

async function rewrap(client: pg.Client, place: Place, newKey: Buffer): Promise<number> {
  const { masterKeyId, dataKeys } = await replaceMasterKey(client, place.config, newKey);
  const how = dataKeys === 0 ? 'were under it already' : `${dataKeys} wrapped anew`;
  print(`The data keys are under master key ${masterKeyId}: ${how}.`);
  const where = place.config.masterKey === undefined ? 'it is in DATA_DIR/master-key' : 'MASTER_KEY has to be that one';
  print(`Start every control plane and every deployer again (${where}), then: npm run master-key:rewrap -- --reseal`);
  return 0;
}

/** Says on standard error how far it is, when it takes long. */
function progress(): (secrets: number) => void {
  let saidAt = performance.now();
  return (secrets) => {
    if (performance.now() - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = performance.now();
    process.stderr.write(`master-key:rewrap: ${secrets} secrets sealed anew\n`);
  };
}

const openKeys = ({ config, databaseUrl }: Place) =>
  withMasterKey(
    config,
    () => masterKeyInDataDir(config),
    (masterKey) => requirePreparedDatabase(databaseUrl, masterKey),
  );

async function reseal(client: pg.Client, place: Place): Promise<number> {
  const keys = await openKeys(place);
  const earlier = await earlierMasterKeys(client, keys.masterKeyId);
  if (earlier.length > 0) {
    throw new BadSettings([
      `processes are connected that were started with another master key (${earlier.join(', ')}): ` +
        `start them again with ${keys.masterKeyId} first, as they could not read what is sealed anew`,
    ]);
  }
  const { keyId, secrets, damaged } = await resealSecrets(client, keys, progress());
  print(`${secrets} secrets sealed anew under ${keyId}.`);
  if (damaged.length === 0) return 0;
  print(`Left as they are, with their data key, as they do not open: ${damaged.join(', ')}`);
  return 1;
}

async function showStatus(client: pg.Client, place: Place): Promise<number> {
  const { masterKeyId } = await openKeys(place);
  print(`master key ${masterKeyId}`);
  for (const { keyId, secrets } of await dataKeyUsage(client)) {
    print(`  ${keyId.padEnd(22)}${keyId.startsWith('vault-') ? `${secrets} secrets` : ''}`.trimEnd());
  }
  for (const id of await earlierMasterKeys(client, masterKeyId)) {
    print(`connected: processes that were started with master key ${id}`);
  }
  return 0;
}

/** @throws BadSettings when another one has it; given back with the connection */
async function holdRewrapLock(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ isMine: boolean }>('select pg_try_advisory_lock($1) as "isMine"', [
    ADVISORY_LOCKS.masterKeyRewrap,
  ]);
  if (rows[0]?.isMine !== true) throw new BadSettings(['another master-key:rewrap is under way on this database']);
}

export const MASTER_KEY_REWRAP: MaintenanceCommand<Place> = {
  name: 'master-key:rewrap',
  help: HELP,
  options: { generate: { type: 'boolean' }, reseal: { type: 'boolean' }, status: { type: 'boolean' } },
  open,
  async run(place, { values }: Arguments) {
    const { generate = false, reseal: isReseal = false, status: isStatus = false } = values as Record<string, boolean>;
    if ([generate, isReseal, isStatus].filter(Boolean).length > 1) {
      throw new WrongArguments('--generate, --reseal and --status exclude each other');
    }
    const newKey = isReseal || isStatus ? undefined : newKeyOf(place, generate);
    return withClient(place.databaseUrl, async (client) => {
      if (isStatus) return showStatus(client, place);
      await holdRewrapLock(client);
      return newKey === undefined ? reseal(client, place) : rewrap(client, place, newKey);
    });
  },
};
