import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { startEmbeddedPostgres, type RunningServer } from '#libs/embedded-servers';
import { EVENT_STORE_MIGRATIONS, migrate } from '#libs/event-store';
import { historyKeysOf } from '../../../test/support/history-keys-of.ts';
import { brokenChains, deploymentsNotEndedOnce, recordedWrites } from '../../../test/support/recorded-once.ts';
import { ServerDoor } from '../../../test/support/server-door.ts';
import { CONTROL_PLANE_MIGRATIONS } from '../src/persistence/control-plane-migrations.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const WRITERS = 6;
const PROXY = '/projects/shop/apiProxies';
/** Instead of 30 s. */
const ANSWERS_WITHIN_MS = 1_000;
const CONNECTS_WITHIN_MS = 1_000;
const NOTHING = 'the database cannot be reached; nothing was recorded';
const MAYBE = 'the database went away while it was recording; read before you try again';
const RECORDED = 'the change was recorded, but the database went away before it could be answered';

/** What is logged of work that waits for the database, and that it goes on. */
const WAITING = [
  ['a read model waits', 'a read model goes on'],
  ['rollouts wait', 'rollouts go on'],
  ['rotations of keys wait', 'rotations of keys go on'],
  ['the environments cannot be read', 'the environments can be read again'],
  ['deployments wait: no job could be made', 'jobs of deployments can be made again'],
] as const;

interface Write {
  readonly key: string;
  readonly path: string;
  readonly body: object;
}

interface WriteAnswer {
  readonly status: number;
  readonly message: string;
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-test-'));
const masterKey = randomBytes(32);
let server: RunningServer;
let door: ServerDoor;
let plane: RunningControlPlane;
/** The process that has to go on by itself. */
let app: NestFastifyApplication;
/** By the door. */
let database: pg.Pool;
/** Past the door. */
let direct: pg.Pool;
/** Of each write, in the order in which it was sent. */
const answers = new Map<Write, WriteAnswer[]>();

const startServer = async (): Promise<void> => {
  server = await startEmbeddedPostgres({ dataDir: path.join(directory, 'server') });
  await direct?.end();
  direct = new pg.Pool({ connectionString: server.url });
  direct.on('error', () => undefined);
};

async function ask(method: 'GET' | 'POST', url: string, write?: Write): Promise<WriteAnswer> {
  const { statusCode, body } = await app.inject({
    ...{ method, url },
    headers: {
      authorization: `Bearer ${plane.adminToken}`,
      ...(write === undefined ? {} : { 'idempotency-key': write.key }),
    },
    ...(write === undefined ? {} : { payload: write.body }),
  });
  const message = (JSON.parse(body) as { error_description?: string }).error_description ?? '';
  return { status: statusCode, message };
}

const statusOf = async (url: string): Promise<number> => (await ask('GET', url)).status;
const send = async (write: Write): Promise<WriteAnswer> => {
  const answer = await ask('POST', `/apiops${write.path}`, write);
  answers.set(write, [...(answers.get(write) ?? []), answer]);
  return answer;
};

let count = 0;
/** In turn a change of one aggregate, and one of several whose deployment goes on after the answer. */
const nextWrite = (environment: string): Write => {
  count += 1;
  const key = `write-${count}`;
  if (count % 2 === 0) return { key, path: '/projects/', body: { name: key } };
  const deploy = { deploy: true, deployTargetEnvironmentNameList: [environment] };
  return { key, path: `${PROXY}/orders/policies/${key}/`, body: policyBody(deploy) };
};

/** Several at once, one after the other each, until told to stop; `onAnswer` hears of each answer. */
async function load(
  environment: string,
  isOver: () => boolean,
  onAnswer: (answer: WriteAnswer) => void,
): Promise<void> {
  const writer = async (): Promise<void> => {
    while (!isOver()) {
      const answer = await send(nextWrite(environment));
      onAnswer(answer);
      if (answer.status !== 200)
        await until('the database is back', async () => (await statusOf('/readyz')) === 200, 60_000);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

const recordedKeys = async (): Promise<ReadonlySet<string>> => new Set((await recordedWrites(direct)).keys());

/** Everything that was said of a write is true: answered means once, refused means not at all. */
async function checkEveryAnswer(): Promise<void> {
  const recorded = await recordedWrites(direct);
  for (const [{ key, path: where }, given] of answers) {
    const types = where === '/projects/' ? ['ProjectCreated'] : ['DeploymentRequested', 'PolicyAdded'];
    const found = recorded.get(key);
    const isDone = given.some(({ status, message }) => status === 200 || message.startsWith(RECORDED));
    const isNothing = given.every(({ message }) => message === NOTHING);
    if (isDone) expect({ key, given, found }).toEqual({ key, given, found: types });
    else if (isNothing) expect({ key, given, found }).toEqual({ key, given, found: undefined });
    else expect(given.map(({ message }) => message)).toContain(MAYBE);
    expect(found ?? types).toEqual(types);
  }
}

/** The same requests again: what was not done is done, what was done is not done again. */
async function sendAllAgain(): Promise<void> {
  for (const [write, given] of [...answers]) {
    if (given.some(({ status }) => status === 200)) continue;
    await until(`${write.key} is answered`, async () => (await send(write)).status === 200);
  }
  await checkEveryAnswer();
  await until('every deployment has ended', async () => (await deploymentsNotEndedOnce(direct)).length === 0, 30_000);
  expect(await brokenChains(direct, await historyKeysOf(direct, masterKey))).toEqual([]);
}

let environment: string;

beforeAll(async () => {
  chmodSync(directory, 0o711);
  await startServer();
  await migrate(server.url, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
  door = await ServerDoor.to(server.url);
  database = new pg.Pool({
    ...{ connectionString: door.url, max: 20, pipeline: true },
    ...{ connectionTimeoutMillis: CONNECTS_WITHIN_MS, query_timeout: ANSWERS_WITHIN_MS },
  });
  const found = { url: door.url, pool: database, drop: () => database.end() };
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_000 }, { database: found, masterKey });
  app = plane.app;
  environment = (await plane.environment()).name;
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${PROXY}/url/`, proxyBody('orders'));
});
beforeEach(() => answers.clear());
afterAll(async () => {
  await plane.close();
  await direct.end();
  await door.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('PostgreSQL', () => {
  it('killed with -9 under load: what was answered is there once, the rest not at all, the same process goes on', async () => {
    const before = server;
    const counted = { done: 0, refused: 0, doneAgain: 0 };
    const isKilled = () => counted.done >= 10;
    const loaded = load(
      environment,
      () => counted.doneAgain >= WRITERS,
      ({ status }) => {
        if (!isKilled()) {
          // On a machine that is busy with something else a statement may take too long, now already.
          if (status === 200) counted.done += 1;
          if (isKilled()) process.kill(before.pid, 'SIGKILL');
        } else if (status !== 200) counted.refused += 1;
        else if (counted.refused > 0) counted.doneAgain += 1;
      },
    );
    await before.exited;
    await until('writes are refused', () => counted.refused >= WRITERS);
    expect(await statusOf('/readyz')).toBe(503);
    expect(await statusOf('/healthz')).toBe(200);
    expect(await statusOf('/apiops/projects/')).toBe(503);
    await startServer();
    door.leadTo(server.url);
    await loaded;
    expect(await statusOf('/readyz')).toBe(200);
    const others = [...answers.values()].flat().filter(({ status }) => status !== 200 && status !== 503);
    expect(others).toEqual([]);
    await checkEveryAnswer();
    await sendAllAgain();
  });

  it('stopped and started: while it is away all is refused and nothing recorded, then the same process goes on', async () => {
    await server.stop();
    const writes = Array.from({ length: 4 }, () => nextWrite(environment));
    for (const { status, message } of await Promise.all(writes.map(send))) {
      expect([status, message]).toEqual([503, NOTHING]);
    }
    await startServer();
    door.leadTo(server.url);
    await checkEveryAnswer();
    await sendAllAgain();
    expect(await statusOf('/readyz')).toBe(200);
  });

  it('that hears nothing any more: refused with nothing recorded, and as before once it hears again', async () => {
    door.become('swallows requests');
    const writes = Array.from({ length: 4 }, () => nextWrite(environment));
    const refused = await Promise.all(writes.map(send));
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(await statusOf('/readyz')).toBe(503);
    door.become('open');
    await checkEveryAnswer();
    await sendAllAgain();
  });

  it('whose answers to COMMIT are lost: not said to have recorded nothing, and done once when asked again', async () => {
    const known = await recordedKeys();
    const writes = Array.from({ length: 4 }, () => nextWrite(environment));
    // From the first of theirs, whichever it is. Were it an upkeep's, all would rightly be told that nothing was recorded.
    const keys = writes.map(({ key }) => key);
    door.become('swallows answers from a COMMIT on', keys);
    const refused = await Promise.all(writes.map(send));
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(refused.map(({ message }) => message)).toContain(MAYBE);
    door.become('open');
    await until('what was being recorded is', async () => (await recordedKeys()).size > known.size);
    await checkEveryAnswer();
    await sendAllAgain();
    expect((await recordedKeys()).size).toBe(known.size + writes.length);
  });

  // After all of the above.
  it.each(WAITING)('is said to be away in few lines: "%s" once for each cause, then "%s"', async (fails, works) => {
    await until('all go on', () => told(fails, works).waiting === 0);
    const { repeated, outages } = told(fails, works);
    expect(repeated).toEqual([]);
    expect(outages).toBeGreaterThan(0);
  });
});

/** What was logged of work that waits, of each read model for itself. */
function told(fails: string, works: string) {
  const causes = new Map<string, Set<string>>();
  const repeated: string[] = [];
  let outages = 0;
  for (const line of plane.logLines) {
    const { msg, projection = '', reason = '' } = JSON.parse(line) as Record<string, string>;
    const known = causes.get(projection) ?? new Set();
    if (msg === works) outages += causes.delete(projection) ? 1 : 0;
    if (msg !== fails) continue;
    if (known.has(reason)) repeated.push(line);
    causes.set(projection, known.add(reason));
  }
  return { repeated, outages, waiting: causes.size };
}
