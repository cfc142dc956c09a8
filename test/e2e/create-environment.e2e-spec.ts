import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

const SCRIPT = readFileSync(path.resolve(import.meta.dirname, '../../deploy/container/create-environment.mjs'));
/** Of containers, who are never root: root could write to what nobody else can. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;

describe('the one-shot service that creates an environment', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'create-environment-'));
  const keyFile = path.join(directory, 'gateway-key');
  const tokenFile = path.join(directory, 'admin-token');
  /** Calls that make a key. */
  const keysMade: string[] = [];
  let apiops: Server;

  /** Places a file as an earlier run of the service has it. */
  const place = (file: string, text: string, mode: number): void => {
    writeFileSync(file, text, { mode });
    if (isRoot) chownSync(file, NOBODY.uid, NOBODY.gid);
  };

  async function run(): Promise<number | null> {
    const url = `http://127.0.0.1:${(apiops.address() as AddressInfo).port}/apiops`;
    const env = { APIOPS_URL: url, ADMIN_TOKEN_FILE: tokenFile, ENVIRONMENT: 'staging', KEY_FILE: keyFile };
    const stdio = ['pipe', 'ignore', 'ignore'] as const;
    // By its standard input: the account need not be able to read this checkout.
    const options = { ...(isRoot ? NOBODY : {}), cwd: directory, env, stdio: [...stdio] };
    const child = spawn(process.execPath, ['--input-type=module', '-'], options);
    child.stdin?.end(SCRIPT);
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  beforeAll(async () => {
    if (isRoot) chownSync(directory, NOBODY.uid, NOBODY.gid);
    place(tokenFile, 'a token', 0o400);
    apiops = createServer(({ method, url = '' }, response) => {
      if (method === 'POST') keysMade.push(url);
      response.end(JSON.stringify({ resultList: [{ gatewayKey: `gwk_${keysMade.length}` }] }));
    }).listen(0, '127.0.0.1');
    await once(apiops, 'listening');
  });
  afterAll(() => {
    apiops.close();
    rmSync(directory, { recursive: true });
  });

  it('goes on after a run that was killed before its key was in place, and makes one key', async () => {
    place(`${keyFile}.new`, 'gwk_of-a-killed-run', 0o400);
    expect(await run()).toBe(0);
    expect(keysMade).toEqual(['/apiops/environments/staging/keys/']);
    expect(readFileSync(keyFile, 'utf8')).toBe('gwk_1');
    expect(readdirSync(directory).sort()).toEqual(['admin-token', 'gateway-key']);
  });

  it('makes none when the environment and its key are there', async () => {
    expect(await run()).toBe(0);
    expect(keysMade).toHaveLength(1);
    expect(readFileSync(keyFile, 'utf8')).toBe('gwk_1');
  });
});
