import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePortsInARow } from '#libs/program-shell/testing';
import { PastedGuide } from '../support/pasted-guide.ts';
import { until } from '../support/until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LAST_LINE = '"expires_in":120:';

/** The lines of a shell, with the ports and the folder of this run in place of the usual ones. */
const inShell = async (script: string, settings: Readonly<Record<string, string>> = {}): Promise<string> => {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings };
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: ROOT, env, maxBuffer: 10_000_000 });
  return stdout;
};

/** Blocks of the README that it says can be pasted. */
const readmeBlocks = (): string[] =>
  [...readFileSync(path.join(ROOT, 'README.md'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
    (match) => match[1] ?? '',
  );

describe('npm run up, as a new user meets it', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-up-'));
  const dataDir = path.join(directory, 'data');
  const breaking = new PastedGuide('docs/how-to/break-it-on-purpose.md');
  let ports: Record<'control' | 'gateway' | 'admin' | 'upstream' | 'staging' | 'stagingAdmin', number>;
  let up: ChildProcess;
  let printed = '';
  /** What stood there once everything was up. */
  let guide = '';

  const start = async (): Promise<void> => {
    printed = '';
    const { control, gateway, admin, upstream } = ports;
    const flags = ['--port', control, '--gateway-port', gateway, '--admin-port', admin, '--upstream-port', upstream];
    const environment = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    up = spawn(process.execPath, ['scripts/up.mjs', ...flags.map(String), '--data-dir', dataDir], {
      cwd: ROOT,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    up.stdout?.on('data', (data: Buffer) => (printed += data.toString('utf8')));
    up.stderr?.on('data', (data: Buffer) => (printed += data.toString('utf8')));
    await until('everything is up', async () => {
      if (up.exitCode !== null) throw new Error(printed);
      return printed.includes(LAST_LINE);
    });
    guide = printed;
  };

  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    const exited = once(up, 'exit');
    up.kill(signal);
    await exited;
  };

  /** What stands under a numbered title. */
  const printedStep = (title: string): string => {
    const from = guide.indexOf(title);
    const step = guide.slice(guide.indexOf('\n', from));
    return step.slice(0, step.search(/\n\d+\. /) === -1 ? undefined : step.search(/\n\d+\. /));
  };

  beforeAll(async () => {
    chmodSync(directory, 0o711);
    // The second gateway takes the ports after the first one's.
    const [control = 0, gateway = 0, , admin = 0, , upstream = 0, staging = 0, stagingAdmin = 0] =
      await freePortsInARow(8);
    ports = { control, gateway, admin, upstream, staging, stagingAdmin };
    await start();
  }, 120_000);

  afterAll(async () => {
    breaking.end();
    if (up.exitCode === null && up.signalCode === null) await stop('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  });

  it('says step by step what it does', () => {
    for (const step of ['[1/8] dependencies', '[2/8] build', '[4/8] redis', '[5/8] control plane', '[8/8] ready']) {
      expect(printed).toContain(step);
    }
  });

  it('prints lines that work when they are pasted', async () => {
    const login = printedStep('Get a token');
    const answers = async (title: string) => inShell(`${login}\n${printedStep(title)}`);
    expect(await inShell(login)).toMatch(/"access_token":"[^"]+".*"refresh_token":"[^"]+"/);
    expect(await answers('Call the API with it')).toMatch(/"url": "\/7\?x=1"[\s\S]*HTTP 200/);
    expect(await answers('A bad token is refused')).toMatch(/ERR-044[\s\S]*HTTP 401/);
    expect(await answers('No token is refused')).toMatch(/ERR-044[\s\S]*HTTP 401/);
    expect(await answers('Refresh the token')).toMatch(/"access_token"[\s\S]*"access_token"/);
    expect(await answers("Call with a partner's token")).toMatch(/HTTP 200/);
    expect(await answers('Change a policy')).toMatch(/Deployment successful[\s\S]*HTTP 200/);
    expect(await answers('See it')).toContain('"expires_in":120');
  });

  it('lets the blocks of the README be pasted as they stand', async () => {
    const script = readmeBlocks()
      .join('\n')
      .replaceAll('127.0.0.1:3000', `127.0.0.1:${ports.control}`)
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.gateway}`)
      .replaceAll('127.0.0.1:4000', `127.0.0.1:${ports.upstream}`)
      .replaceAll('.data/', `${dataDir}/`);
    // Where a command looks that is told nothing is the folder of everybody's npm run up.
    const output = await inShell(script, { DATA_DIR: path.join(dataDir, 'control-plane') });
    expect(output).toMatch(/"message":"Deployment successful"/);
    expect(output).toMatch(/^401\n\{[\s\S]*"url": "\/world"[\s\S]*\n200$/m);
    expect(output).toContain('operationMetadata.targetPipeline must be one of REQUEST, RESPONSE, ERROR');
    expect(output).toMatch(/^200\n.*"reason":"tidying up".*\n.*"policy jwt removed.*\n.*"restoredRevision":2.*\n401$/m);
    expect(output).toMatch(/^History is as it was recorded: \d+ events/m);
  });

  it('is broken on purpose and heals by itself, as docs/how-to/break-it-on-purpose tells it', async () => {
    const output = await breaking.paste(
      {
        DATA: dataDir,
        CONTROL: `http://127.0.0.1:${ports.control}`,
        GATEWAY: `http://127.0.0.1:${ports.gateway}`,
        GATEWAY_ADMIN: `http://127.0.0.1:${ports.admin}`,
        OTHER: `http://127.0.0.1:${ports.gateway + 1}`,
        STAGING_PORT: String(ports.staging),
        STAGING_ADMIN_PORT: String(ports.stagingAdmin),
      },
      // In a group of its own the gateway of staging would outlive a shell that is ended.
      `set +m\n${breaking.script}`,
      240_000,
    );
    const deployed = '"message":"Deployment successful';
    const done = '{"success":true,"status":"SUCCESS"}';
    // Metrics and findings differ with what is seen first.
    const lines = output.split('\n').filter((line) => line !== '' && !/^gatewarden_|"findings"/.test(line));
    expect(lines).toEqual([
      ...[deployed, '200', '200', deployed, '200', '200', '200', deployed],
      ...['200', expect.stringContaining('temporarily_unavailable'), '"message":"Deployment pending'],
      ...['it goes on by itself', '200', 'OK', '200'],
      ...['kept', deployed, deployed, 'put back', '200', '0', '200'],
      ...[
        expect.stringContaining('the database is read-only at the moment; nothing was recorded'),
        '200',
        '200',
        deployed,
      ],
      ...['200', deployed],
      expect.stringMatching(/^HISTORY IS NOT AS IT WAS RECORDED: 1 fault, /),
      expect.stringMatching(/^ {2}1\. changed: .*PolicyDeleted/),
      expect.stringMatching(/^History is as it was recorded/),
      ...[done, '200', 'is not in the key ring of environment staging: was it revoked or mistyped?', deployed, '200'],
      expect.stringContaining('the body is not valid JSON'),
      expect.stringMatching(/2 fields are not valid.*colour is not a known field/),
      expect.stringContaining('Environment (name: nowhere) does not exist'),
      ...[expect.stringMatching(/ 401$/), expect.stringMatching(/ 400$/), expect.stringMatching(/ 400$/)],
      ...['"message":"Undeployment successful', done],
    ]);
    expect(output).toMatch(/^gatewarden_drift_repairs_total\{environment="production",what="log"\} [1-9]/m);
  }, 270_000);

  it('starts again after kill -9 with everything still there', async () => {
    await stop('SIGKILL');
    const redis = /redis:\/\/\S+/.exec(guide)?.[0];
    await start();
    // What the user added, an environment or a gateway, has this address.
    expect(/redis:\/\/\S+/.exec(guide)?.[0]).toBe(redis);
    const answer = await inShell(printedStep('See it'));
    expect(answer).toContain('"expires_in":120');
    const hello = `curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:${ports.gateway}/hello/world`;
    expect(await inShell(hello)).toBe('401');
  }, 120_000);

  it('refuses a second one on the same data, and says what to do', async () => {
    const second = inShell(`${process.execPath} scripts/up.mjs --data-dir ${dataDir} 2>&1`);
    await expect(second).rejects.toMatchObject({ stdout: expect.stringContaining('in use by another npm run up') });
  });

  it('says which port is taken, and which flag to use', async () => {
    const other = path.join(directory, 'other');
    const taken = inShell(`${process.execPath} scripts/up.mjs --port ${ports.control} --data-dir ${other} 2>&1`);
    const stdout = expect.stringMatching(new RegExp(`${ports.control}[\\s\\S]*--port`));
    await expect(taken).rejects.toMatchObject({ stdout });
  });

  it('stops everything at Ctrl-C', async () => {
    await stop('SIGINT');
    for (const port of [ports.control, ports.gateway, ports.admin, ports.upstream]) {
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
    }
  });
});
