import { randomBytes } from 'node:crypto';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { until } from '../support/until.ts';

const newMasterKey = (): string => randomBytes(32).toString('base64');
const adminToken = `gwt_${randomBytes(32).toString('base64url')}`;

/** The Redis of the test run. */
function redisUrl(): string {
  const url = process.env['TEST_REDIS_URL'];
  if (url === undefined) throw new Error('TEST_REDIS_URL is not set: run the e2e project of the tests');
  return url;
}

const started: ChildProgram[] = [];

async function controlPlane(databaseUrl: string, masterKey: string): Promise<{ program: ChildProgram; url: string }> {
  const [port = 0] = await freePortsInARow(1);
  const program = new ChildProgram('apps/control-plane/src/main.js', {
    ...{ DATABASE_URL: databaseUrl, MASTER_KEY: masterKey, ADMIN_TOKEN: adminToken, REDIS_URL: redisUrl() },
    ...{ HOST: '127.0.0.1', PORT: String(port) },
  });
  program.start();
  started.push(program);
  return { program, url: `http://127.0.0.1:${port}` };
}

const isReady = async (url: string) => (await fetch(`${url}/readyz`)).status === 200;

/** A proxy has a secret of its own. */
async function storeASecret(url: string): Promise<void> {
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/apiops${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
  };
  await post('/projects/', { name: 'shop' });
  await post('/projects/shop/apiProxies/url/', {
    apiProxyName: 'orders',
    clientRoute: { relativePathList: ['/orders'] },
    routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:9' }] },
  });
}

describe('a control plane', () => {
  let database: FreshDatabase;
  const masterKey = newMasterKey();

  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterEach(async () => {
    for (const program of started.splice(0)) await program.signal('SIGKILL');
  });
  afterAll(() => database.drop());

  it('starts again under the master key that its secrets were sealed with, and under no other', async () => {
    const first = await controlPlane(database.url, masterKey);
    await until('the control plane is ready', () => isReady(first.url), 30_000);
    await storeASecret(first.url);
    expect(await first.program.signal('SIGTERM')).toBe(0);

    const other = await controlPlane(database.url, newMasterKey());
    expect(await other.program.exited()).toBe(1);
    expect(other.program.output).toContain('MASTER_KEY is not the one that the secrets in this database');

    const again = await controlPlane(database.url, masterKey);
    await until('the control plane is ready', () => isReady(again.url), 30_000);
    expect(await again.program.signal('SIGTERM')).toBe(0);
  });

  it('says in one line that its database cannot be reached', async () => {
    const [closed = 0] = await freePortsInARow(1);
    const { program } = await controlPlane(`postgres://nobody@127.0.0.1:${closed}/none`, masterKey);
    expect(await program.exited()).toBe(1);
    expect(program.output.trim()).toBe(
      `control plane: the database cannot be reached: connect ECONNREFUSED 127.0.0.1:${closed}; DATABASE_URL says where it is`,
    );
  });
});
