import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePortsInARow } from '#libs/program-shell/testing';
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
  let ports: { control: number; gateway: number; admin: number; upstream: number };
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
    const [control = 0, gateway = 0, , admin = 0, , upstream = 0] = await freePortsInARow(6);
    ports = { control, gateway, admin, upstream };
    await start();
  }, 120_000);

  afterAll(async () => {
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

  it('heals by itself when a gateway, the control plane or its database is killed with -9', async () => {
    const pidIn = (file: string) => /\d+/.exec(readFileSync(path.join(dataDir, file), 'utf8'))?.[0] ?? '';
    const killed = [
      pidIn('control-plane/postgres/postmaster.pid'),
      pidIn('run/gateway-1.json'),
      pidIn('run/control-plane.json'),
    ];
    for (const pid of killed.slice(0, 2)) process.kill(Number(pid), 'SIGKILL');
    const works = async () => {
      const ready = await fetch(`http://127.0.0.1:${ports.control}/readyz`);
      const token = await inShell(printedStep('See it'));
      return ready.status === 200 && token.includes('"expires_in":120');
    };
    await until('the control plane has another process', async () => pidIn('run/control-plane.json') !== killed[2]);
    await until('everything works again', works, 60_000);
    process.kill(Number(pidIn('run/control-plane.json')), 'SIGKILL');
    await until('everything works again', works, 60_000);
  }, 120_000);

  it('starts again after kill -9 with everything still there', async () => {
    await stop('SIGKILL');
    await start();
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
