import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import type pg from 'pg';
import { pino } from 'pino';
import { explainFailure } from '../src/config/explain-failure.ts';
import { connectDatabase } from '../src/persistence/connect-database.ts';
import { prepareDatabase } from '../src/persistence/prepare-database.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { TlsPostgres } from './testing/tls-postgres.ts';

const masterKey = randomBytes(32);
const server = new TlsPostgres();
const logged: string[] = [];
const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
let pool: pg.Pool;
let plane: RunningControlPlane;

beforeAll(async () => {
  await server.start();
  const { keys } = await prepareDatabase(server.url(), masterKey);
  pool = connectDatabase(server.url(), logger, keys.masterKeyId);
  const database = { url: server.url(), pool, drop: () => pool.end() };
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_000 }, { database, masterKey });
});
afterAll(async () => {
  await plane.close();
  await server.stop();
});

/** What somebody reads who starts a control plane with this address. */
const explained = (url: string): Promise<string> =>
  prepareDatabase(url, masterKey).then(() => 'it starts', explainFailure);

const line = (reason: string) => `the database cannot be reached: ${reason}; DATABASE_URL says where it is`;

describe('an external PostgreSQL with TLS and passwords', () => {
  it('is migrated and written by a role that owns its database and may do nothing else, by TLS alone', async () => {
    const environment = await plane.environment();
    await plane.done('POST', '/projects/', { name: 'shop' });
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
    const deploy = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    await plane.done('POST', '/projects/shop/apiProxies/orders/policies/issue/', policyBody(deploy));
    expect((await plane.done('GET', '/projects/')).resultList).toMatchObject([{ name: 'shop' }]);
    const { rows: connections } = await server.admin.query<{ ssl: boolean; version: string }>(
      `select ssl, version from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'plane'`,
    );
    expect(connections.length).toBeGreaterThan(0);
    expect(new Set(connections.map(({ ssl, version }) => `${ssl} ${version}`))).toEqual(new Set(['true TLSv1.3']));
    const { rows: roles } = await server.admin.query(
      `select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolpassword like 'SCRAM-SHA-256$%' as "isScram"
       from pg_authid where rolname = 'plane'`,
    );
    expect(roles).toEqual([
      { rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolreplication: false, isScram: true },
    ]);
  });

  it('goes on with new connections when the file of the CA is gone', async () => {
    renameSync(server.caFile, `${server.caFile}.away`);
    try {
      // Each of them in a connection of its own, by way of a full pool.
      await server.admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'plane'`);
      const asked = Array.from({ length: 60 }, () => plane.call('GET', '/projects/'));
      expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([200]));
    } finally {
      renameSync(`${server.caFile}.away`, server.caFile);
    }
  });

  it('refuses changes with 503 and records nothing while it gives out no more connections', async () => {
    await server.admin.query('alter role plane connection limit 0');
    await server.admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'plane'`);
    const refused = await plane.call('POST', '/projects/', { name: 'too-many' });
    expect([refused.status, refused.body.error]).toEqual([503, 'unavailable']);
    expect(refused.body.error_description).toContain('nothing was recorded');
    await server.admin.query('alter role plane connection limit -1');
    const names = (await plane.done('GET', '/projects/')).resultList.map(({ name }) => name);
    expect(names).not.toContain('too-many');
    await plane.done('POST', '/projects/', { name: 'too-many' });
  });

  it.each([
    [
      'a CA that did not sign its certificate',
      () => ({ sslrootcert: server.file('other.pem', selfSignedCertificate('x').cert) }),
      {},
      'self-signed certificate',
    ],
    ['no CA', () => ({ sslrootcert: undefined }), {}, 'self-signed certificate'],
    [
      'another name',
      () => ({}),
      { host: '127.0.0.1' },
      "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: ",
    ],
    [
      'a wrong password',
      () => ({}),
      { password: 'not-the-password' },
      'password authentication failed for user "plane"',
    ],
  ])('is refused under %s, in a line that holds no password', async (_, parameters, members, reason) => {
    const given = { sslmode: 'verify-full', sslrootcert: server.caFile, ...parameters() };
    const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const said = await explained(server.url({ ...members, parameters: known }));
    expect(said).toBe(line(reason));
    expect(said).not.toContain('not-the-password');
  });

  it('is not spoken to in clear: the server refuses, and the line says so', async () => {
    const said = await explained(server.url({ parameters: { sslmode: 'disable' } }));
    expect(said).toMatch(
      /^the database cannot be reached: no pg_hba.conf entry for host .* no encryption; DATABASE_URL/,
    );
  });

  it('leaves its password in no line of the log', () => {
    expect(logged.concat(plane.logLines).join('\n')).not.toContain(server.password);
  });
});
