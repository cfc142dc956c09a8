import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BadSettings, SettingsReader } from '#libs/program-shell';
import { subscribe } from '#libs/redis-clients';
import { startRedis, type RunningServer } from '../../../../test/support/own-redis.ts';
import { until } from '../../../../test/support/until.ts';
import { freePortsInARow, selfSignedCertificate } from '#libs/program-shell/testing';
import { RedisRelay } from '../testing/redis-relay.ts';
import { connectOnce, createEnvironmentRedis } from './environment-redis.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-redis-'));
const fileOf = (name: string, text: string): string => {
  const file = path.join(directory, name);
  writeFileSync(file, text);
  return file;
};
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const tlsWith = (settings: Readonly<Record<string, string | undefined>>) => {
  const reader = new SettingsReader(settings);
  const tls = reader.redisTls();
  if (reader.faults.length > 0) throw new BadSettings(reader.faults);
  return tls;
};

describe('a Redis that speaks TLS and asks for certificates', () => {
  const server = selfSignedCertificate('localhost');
  const client = selfSignedCertificate('gateway.test');
  const files = {
    REDIS_CA_FILE: fileOf('server.pem', server.cert),
    REDIS_CLIENT_CERT_FILE: fileOf('client.pem', client.cert),
    REDIS_CLIENT_KEY_FILE: fileOf('client.key', client.key),
  };
  let redis: RunningServer;
  let url = '';
  beforeAll(async () => {
    const [port = 0] = await freePortsInARow(1);
    const tls = ['--tls-port', String(port), '--tls-cert-file', files.REDIS_CA_FILE, '--tls-auth-clients', 'yes'];
    tls.push('--tls-key-file', fileOf('server.key', server.key), '--tls-ca-cert-file', files.REDIS_CLIENT_CERT_FILE);
    redis = await startRedis({ dataDir: path.join(directory, 'tls'), appendOnly: false, extraArguments: tls });
    url = `rediss://localhost:${port}`;
  });
  afterAll(() => redis.stop());

  const answer = async (settings: Record<string, string>, to = url): Promise<string> => {
    const connection = createEnvironmentRedis(to, tlsWith(settings));
    let failure = 'no answer';
    connection.on('error', (error: Error) => (failure = error.message));
    await connectOnce(connection);
    const answered = await connection.ping().catch(() => failure);
    connection.disconnect();
    return answered;
  };

  it('is spoken to with both, and heard', async () => {
    expect(await answer(files)).toBe('PONG');
    const connection = createEnvironmentRedis(url, tlsWith(files));
    const heard: string[] = [];
    const subscription = subscribe(connection, 'news', {
      onStanding: () => void connection.publish('news', 'something').catch(() => undefined),
      onMessage: (message) => heard.push(message),
    });
    await until('it is heard', async () => {
      await connection.publish('news', 'something');
      return heard.includes('something');
    });
    subscription.close();
    connection.disconnect();
  });

  it('is not spoken to when nobody trusted vouches for it, under another name, or without a certificate', async () => {
    const { REDIS_CA_FILE, ...own } = files;
    expect(await answer(own)).toMatch(/self-signed/);
    expect(await answer(files, url.replace('localhost', '127.0.0.1'))).toMatch(/IP: 127\.0\.0\.1 is not in the cert/);
    expect(await answer({ REDIS_CA_FILE })).not.toBe('PONG');
  });

  it.each([
    [{ REDIS_CA_FILE: '/nowhere' }, 'REDIS_CA_FILE cannot be read (ENOENT)'],
    [{ REDIS_CA_FILE: files.REDIS_CLIENT_KEY_FILE }, /^bad settings: REDIS_CA_FILE: no certificates/],
    [{ REDIS_CLIENT_CERT_FILE: files.REDIS_CLIENT_CERT_FILE }, 'CERT_FILE and REDIS_CLIENT_KEY_FILE go together'],
    [
      { ...files, REDIS_CLIENT_CERT_FILE: files.REDIS_CA_FILE },
      'REDIS_CLIENT_CERT_FILE, REDIS_CLIENT_KEY_FILE: no certificates, or no key of theirs, in PEM',
    ],
  ])('%#: settings that cannot be used are named, and nothing of a file is told', (settings, fault) => {
    const read = (): unknown => tlsWith(settings);
    expect(read).toThrow(fault);
    expect(read).not.toThrow(/BEGIN/);
  });
});

describe('a cluster that speaks TLS', () => {
  it('is spoken to under the names that its nodes announce, and not under their addresses', async () => {
    const [port = 0, bus = 0] = await freePortsInARow(2);
    const { cert, key } = selfSignedCertificate('localhost');
    const REDIS_CA_FILE = fileOf('node.pem', cert);
    const extraArguments = ['--cluster-enabled', 'yes', '--tls-cluster', 'yes', '--cluster-port', String(bus)];
    extraArguments.push('--tls-port', String(port), '--tls-cert-file', REDIS_CA_FILE, '--tls-auth-clients', 'no');
    extraArguments.push('--tls-key-file', fileOf('node.key', key), '--tls-ca-cert-file', REDIS_CA_FILE);
    extraArguments.push('--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname');
    const node = await startRedis({ dataDir: path.join(directory, 'tls-cluster'), appendOnly: false, extraArguments });
    const operator = createEnvironmentRedis(node.url);
    await connectOnce(operator);
    await operator.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until('it serves', async () => String(await operator.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    const answer = async (): Promise<unknown> => {
      const connection = createEnvironmentRedis(`rediss-cluster://localhost:${port}`, tlsWith({ REDIS_CA_FILE }));
      await connectOnce(connection);
      const answered = await connection.set('k', 'v').catch(() => 'no answer');
      connection.disconnect();
      return answered;
    };
    expect(await answer()).toBe('OK');
    await operator.call('CONFIG', 'SET', 'cluster-preferred-endpoint-type', 'ip');
    expect(await answer()).toBe('no answer');
    operator.disconnect();
    await node.stop();
  });
});

describe('a Redis that became a replica', () => {
  it('is looked for anew when it refuses a write, and used again once it is the master', async () => {
    const server = await startRedis({ dataDir: path.join(directory, 'replica'), appendOnly: false });
    const connection = createEnvironmentRedis(server.url);
    const operator = createEnvironmentRedis(server.url);
    await Promise.all([connectOnce(connection), connectOnce(operator)]);
    let closed = 0;
    connection.on('close', () => (closed += 1));
    await operator.call('REPLICAOF', '127.0.0.1', '1');
    await expect(connection.eval("return redis.call('SET', KEYS[1], 'v')", 1, 'k')).rejects.toThrow(/READONLY/);
    await until('the connection was given up', async () => closed > 0);
    await operator.call('REPLICAOF', 'NO', 'ONE');
    await until('it writes again', async () => (await connection.set('k', 'v')) === 'OK');
    connection.disconnect();
    operator.disconnect();
    await server.stop();
  });
});

describe('a Redis at one address that went away without a word', () => {
  it('is given up when it owes an answer, and whatever has the address now is used', async () => {
    const server = await startRedis({ dataDir: path.join(directory, 'silent'), appendOnly: false });
    const relay = new RedisRelay(server.url);
    await relay.open();
    const connection = createEnvironmentRedis(relay.url);
    await connectOnce(connection);
    expect(await connection.set('k', 'v')).toBe('OK');
    const lost = new Promise<void>((resolve) => connection.once('close', () => resolve()));
    // What was connected is silent from now on, whoever connects anew is answered: the address has moved.
    relay.hang();
    await expect(connection.get('k')).rejects.toThrow();
    await lost;
    await until('it is answered again', () => connection.get('k').catch(() => undefined));
    connection.disconnect();
    await relay.cut();
    await server.stop();
  });
});
