import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findFreePort, identifyProcess } from '#libs/embedded-servers';
import { recordChild, stopLeftovers } from './run-record.ts';
import { StackFault } from './stack-fault.ts';
import { SupervisedProcess } from './supervised-process.ts';

const SERVER = `
  import { createServer } from 'node:http';
  const server = createServer((request, response) => response.end(process.env.GREETING)).listen(process.env.PORT, '127.0.0.1');
  process.on('SIGTERM', () => { console.log('{"level":"error","msg":"told to stop"}'); server.close(); server.closeAllConnections(); });`;
const CRASH = `console.error('boom'); process.exit(3);`;
const DEAF = `process.on('SIGTERM', () => undefined); ${SERVER.replace(/process\.on[^]*$/, '')}`;

describe('a supervised process', () => {
  let dataDir: string;
  let running: SupervisedProcess[];
  let messages: EventEmitter;
  let said: string[];

  beforeEach(() => {
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-stack-'));
    running = [];
    messages = new EventEmitter();
    said = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.stop()));
    rmSync(dataDir, { recursive: true, force: true });
  });

  const say = (message: string): void => {
    said.push(message);
    messages.emit('said');
  };
  const saidLike = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = said.find((message) => pattern.test(message));
      if (found !== undefined) return found;
      await once(messages, 'said');
    }
  };

  async function supervise(source: string, stopLimitMs = 5000): Promise<{ process: SupervisedProcess; url: string }> {
    const script = path.join(dataDir, 'program.mjs');
    writeFileSync(script, source);
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}/`;
    const environment = { PORT: String(port), GREETING: 'hello' };
    const plan = { name: 'program', script, environment, readyUrl: url, readyLimitMs: 10_000, stopLimitMs };
    const supervised = new SupervisedProcess(plan, { dataDir, say });
    running.push(supervised);
    return { process: supervised, url };
  }

  const recordOf = (): unknown => JSON.parse(readFileSync(path.join(dataDir, 'run', 'program.json'), 'utf8'));

  it('is ready when start returns, remembered while it runs, and gone when stop returns', async () => {
    const { process: supervised, url } = await supervise(SERVER);
    await supervised.start();
    expect(await (await fetch(url)).text()).toBe('hello');
    expect(recordOf()).toMatchObject({ pid: supervised.pid });
    const pid = supervised.pid ?? 0;
    await supervised.stop();
    expect(identifyProcess(pid)).toBeNull();
    expect(recordOf).toThrow('ENOENT');
    expect(said).toEqual(['program: told to stop']);
  });

  it('comes back by itself after kill -9', async () => {
    const { process: supervised, url } = await supervise(SERVER);
    await supervised.start();
    const first = supervised.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await saidLike(/^program is back/);
    expect(said[0]).toBe('program was ended by SIGKILL: starting it again in 500 ms');
    expect(supervised.pid).not.toBe(first);
    expect(await (await fetch(url)).text()).toBe('hello');
    expect(recordOf()).toMatchObject({ pid: supervised.pid });
  });

  it('is not restarted when it is stopped while waiting for its restart', async () => {
    const { process: supervised } = await supervise(SERVER);
    await supervised.start();
    process.kill(supervised.pid ?? 0, 'SIGKILL');
    await saidLike(/starting it again/);
    await supervised.stop();
    expect(identifyProcess(supervised.pid ?? 0)).toBeNull();
  });

  it('is not restarted, but explained by its last lines, when it ends before it was ready', async () => {
    const { process: supervised } = await supervise(CRASH);
    const fault: unknown = await supervised.start().catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(StackFault);
    expect(fault).toMatchObject({
      code: 'CHILD_FAILED',
      message: 'program ended while starting; its last lines:\nboom',
    });
  });

  it('is killed when it does not react to being told to stop', async () => {
    const { process: supervised } = await supervise(DEAF, 200);
    await supervised.start();
    await supervised.stop();
    expect(identifyProcess(supervised.pid ?? 0)).toBeNull();
  });
});

describe('what a killed run left behind', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-run-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  async function leaveBehind(
    recordedScript?: string,
  ): Promise<{ pid: number; ended: Promise<unknown>; kill: () => void }> {
    const script = path.join(dataDir, 'program.mjs');
    writeFileSync(script, 'console.log("up"); setInterval(() => undefined, 1000);');
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    recordChild(dataDir, 'program', { pid, script: recordedScript ?? script });
    return { pid, ended, kill: () => child.kill('SIGKILL') };
  }

  it('is stopped by the next one, which says so', async () => {
    const { pid, ended } = await leaveBehind();
    const said: string[] = [];
    await stopLeftovers(dataDir, (message) => said.push(message));
    await ended;
    expect(identifyProcess(pid)).toBeNull();
    expect(said).toEqual([`stopping program (process ${pid}), left over from an earlier run`]);
  });

  it('is left alone when it is another program, or another process with that number', async () => {
    const { pid, ended, kill } = await leaveBehind('/another/main.js');
    await stopLeftovers(dataDir, () => undefined);
    expect(identifyProcess(pid)).not.toBeNull();
    const script = path.join(dataDir, 'program.mjs');
    const record = { ...identifyProcess(pid), startTicks: '1', script };
    writeFileSync(path.join(dataDir, 'run', 'program.json'), JSON.stringify(record));
    await stopLeftovers(dataDir, () => undefined);
    expect(identifyProcess(pid)).not.toBeNull();
    kill();
    await ended;
  });
});
