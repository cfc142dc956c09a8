import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { obtainRedis, startEmbeddedPostgres } from '#libs/embedded-servers';
import { until } from '../until.ts';
import { environmentOf, isOurs, mountsOf, readComposeFile, targetsOf, type ComposeService } from './compose-file.ts';
import { ROOT } from './declared-settings.ts';
import * as docker from './dockerfile.ts';
import { filesBelow, fillImageDirectory } from './image-directory.ts';

/** Monitoring is of others' programs: what it is told to do is read, not run. */
const NOT_STARTED = ['prometheus', 'grafana'];
const HEALTHY_WITHIN_MS = 180_000;
const BETWEEN_LOOKS_MS = 1_000;
/** Of what each program printed, in a failure. */
const LAST_CHARACTERS = 2_000;

interface LocalProcess {
  readonly child: ChildProcess;
  output: string;
}

/**
 * The services of `docker-compose.yml` as processes of this machine, each started with its own command, environment, files and
 * order. What containers do is done by rewriting: every service has a loopback address of its own, which takes the place of its
 * name, of 0.0.0.0 and of 127.0.0.1 in whatever it is told, so that all ports stay as they are; mounted files and directories are
 * in a temporary directory, the image's own in another. PostgreSQL is the embedded one, behind the address of its service.
 */
export class ComposeRun {
  readonly file = readComposeFile();
  readonly image: string;
  readonly temporary: string;
  /** As they were before anything was started. */
  filesOfImage: readonly string[] = [];
  private readonly directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-compose-'));
  private readonly network = `127.${64 + Math.floor(Math.random() * 180)}.${1 + Math.floor(Math.random() * 250)}`;
  private readonly processes = new Map<string, LocalProcess>();
  private readonly closing: (() => Promise<unknown> | void)[] = [];

  constructor() {
    this.image = path.join(this.directory, 'image');
    this.temporary = path.join(this.directory, 'tmp');
  }

  /** All services in the order that they wait for each other, each when those before it are well. */
  async up(): Promise<void> {
    // As root PostgreSQL runs under another account, which has to get there.
    chmodSync(this.directory, 0o711);
    for (const folder of ['tmp', 'secrets']) mkdirSync(path.join(this.directory, folder));
    fillImageDirectory(this.image);
    this.filesOfImage = filesBelow(this.image);
    this.makeSecrets();
    const started = new Map<string, Promise<void>>();
    const start = (name: string): Promise<void> => {
      const known = started.get(name);
      if (known !== undefined) return known;
      const starting = Promise.all(Object.keys(this.service(name).depends_on ?? {}).map(start)).then(() =>
        this.start(name),
      );
      started.set(name, starting);
      return starting;
    };
    await Promise.all(this.names.map(start));
  }

  get names(): readonly string[] {
    return Object.keys(this.file.services).filter((name) => !NOT_STARTED.includes(name));
  }

  service(name: string): ComposeService {
    const service = this.file.services[name];
    if (service === undefined) throw new Error(`no service ${name}`);
    return service;
  }

  addressOf(name: string): string {
    return `${this.network}.${Object.keys(this.file.services).indexOf(name) + 1}`;
  }

  secret(name: string): string {
    return readFileSync(path.join(this.directory, 'secrets', name), 'utf8').trim();
  }

  outputOf(name: string): string {
    return this.processes.get(name)?.output ?? '';
  }

  /** Of the services that run as processes of ours. */
  get pids(): readonly number[] {
    const children = [...this.processes.values()].map(({ child }) => child);
    return children.filter(({ exitCode }) => exitCode === null).map(({ pid = 0 }) => pid);
  }

  /** An address or a path as this service is told it, where it is here. */
  here(name: string, text: string): string {
    const mounts = mountsOf(this.service(name)).filter(({ source }) => !source.startsWith('.'));
    const placed = mounts.reduce(
      (all, { source, target }) => all.replaceAll(target, path.join(this.directory, 'volumes', source)),
      text.replaceAll('/run/secrets/', `${this.directory}/secrets/`),
    );
    return this.withAddresses(placed).replaceAll(/\b(?:0\.0\.0\.0|127\.0\.0\.1)\b/g, this.addressOf(name));
  }

  /** Host names before a port, in addresses (`//name:1`, `@name:1`) and in targets (`name:1`), become loopback addresses. */
  withAddresses(text: string): string {
    return text.replaceAll(/(^|\/\/|@)([a-z][a-z0-9-]*)(?=:\d{2,5}(?!\w))/g, (all, before: string, name: string) =>
      name in this.file.services ? `${before}${this.addressOf(name)}` : all,
    );
  }

  /** Runs a service that ends by itself once more. */
  async runAgain(name: string): Promise<void> {
    await this.startProgram(name);
  }

  async stop(): Promise<void> {
    const running = [...this.processes.values()].filter(
      ({ child }) => child.exitCode === null && child.signalCode === null,
    );
    // Stores last: whoever stops may still have something to write.
    const isStore = ({ child }: LocalProcess): boolean => child.spawnfile !== process.execPath;
    for (const group of [running.filter((one) => !isStore(one)), running.filter(isStore)]) {
      await Promise.all(
        group.map(async ({ child }) => {
          const exited = once(child, 'exit');
          child.kill('SIGTERM');
          await exited;
        }),
      );
    }
    for (const close of this.closing.reverse()) await close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** By the script that people run, in a copy of its folder; then with addresses of this machine. */
  private makeSecrets(): void {
    const checkout = path.join(this.directory, 'checkout');
    for (const folder of ['deploy/compose', 'deploy/redis']) {
      cpSync(path.join(ROOT, folder), path.join(checkout, folder), {
        recursive: true,
        filter: (source) => !source.endsWith('/secrets'),
      });
    }
    const made = spawnSync('sh', [path.join(checkout, 'deploy/compose/make-secrets.sh')], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`make-secrets.sh: ${made.stderr}`);
    for (const { file } of Object.values(this.file.secrets)) {
      const text = readFileSync(path.join(checkout, file), 'utf8');
      writeFileSync(path.join(this.directory, 'secrets', path.basename(file)), this.withAddresses(text));
    }
  }

  private async start(name: string): Promise<void> {
    for (const { source } of mountsOf(this.service(name))) {
      mkdirSync(path.join(this.directory, 'volumes', source), { recursive: true });
    }
    if (name === 'postgres') return this.startPostgres();
    if (name === 'redis') return this.startRedis();
    await this.startProgram(name);
  }

  /** What the image of PostgreSQL makes of its variables: a role and a database of these names, with this password. */
  private async startPostgres(): Promise<void> {
    const { POSTGRES_DB: databaseName = '', POSTGRES_PASSWORD_FILE: file = '' } = environmentOf(
      this.service('postgres'),
    );
    const dataDir = path.join(this.directory, 'volumes', 'postgres');
    writeFileSync(path.join(dataDir, 'postgres.password'), readFileSync(this.here('postgres', file)), { mode: 0o600 });
    const server = await startEmbeddedPostgres({ dataDir, databaseName, durable: false });
    this.closing.push(() => server.stop());
    const relay = net.createServer((client) => {
      const upstream = net.connect(server.port, '127.0.0.1');
      for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
      client.pipe(upstream).pipe(client);
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
    });
    relay.listen(5432, this.addressOf('postgres'));
    await once(relay, 'listening');
    this.closing.push(() => void relay.close());
  }

  private async startRedis(): Promise<void> {
    const { command = [], healthcheck } = this.service('redis');
    const program = await obtainRedis(path.resolve('.data/tools'), () => undefined);
    const [, ...args] = command.map((word) => this.here('redis', word));
    args.push('--bind', this.addressOf('redis'), '--dir', path.join(this.directory, 'volumes', 'redis'));
    this.keep('redis', spawn(program.command, args, { env: { ...process.env, ...program.env } }));
    const [user = '', password = ''] = ['--user', '--pass'].map((option) => {
      const words = healthcheck?.test ?? [];
      return words[words.indexOf(option) + 1];
    });
    const address = `redis://${user}:${password}@${this.addressOf('redis')}:6379`;
    const asking = new Redis(address, { enableReadyCheck: false });
    asking.on('error', () => undefined);
    await until('Redis is well', async () => (await asking.ping()) === 'PONG', HEALTHY_WITHIN_MS);
    asking.disconnect();
  }

  private async startProgram(name: string): Promise<void> {
    const service = this.service(name);
    if (!isOurs(service)) throw new Error(`${name} is nothing that is started here`);
    const child = this.spawn(name, service.command ?? []);
    this.keep(name, child);
    if (service.healthcheck === undefined) {
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`${name} ended with ${code}: ${this.outputOf(name)}`);
      return;
    }
    const [, ...probe] = service.healthcheck.test;
    const isWell = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`${name} ended: ${this.outputOf(name)}`);
      const [code] = (await once(this.spawn(name, probe), 'exit')) as [number | null];
      // Each look is a process of its own.
      if (code !== 0) await pause(BETWEEN_LOOKS_MS);
      return code === 0;
    };
    await until(`${name} is well`, isWell, HEALTHY_WITHIN_MS).catch((error: unknown) => {
      const printed = this.names.map((each) => `${each}: ${this.outputOf(each).slice(-LAST_CHARACTERS)}`);
      throw new Error(`${name} did not become well\n${printed.join('\n')}`, { cause: error });
    });
  }

  private spawn(name: string, [program = '', ...args]: readonly string[]): ChildProcess {
    if (program !== 'node') throw new Error(`${name}: ${program} is not in the image`);
    const [target = ''] = targetsOf(this.file, this.service(name).image);
    const ofImage = docker.environmentOf(docker.instructionsOf(target));
    const told = { ...ofImage, ...environmentOf(this.service(name)) };
    const own = Object.entries(told).map(([key, value]) => [key, this.here(name, value)] as const);
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent', TMPDIR: this.temporary, ...Object.fromEntries(own) };
    return spawn(
      process.execPath,
      args.map((word) => this.here(name, word)),
      { cwd: this.image, env },
    );
  }

  /** One more program in the place of a service, as `docker compose exec` starts it. */
  async execute(name: string, command: readonly string[]): Promise<{ readonly code: number | null; output: string }> {
    const child = this.spawn(name, command);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (output += String(data)));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  private keep(name: string, child: ChildProcess): void {
    const kept: LocalProcess = { child, output: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => (kept.output += data.toString('utf8')));
    }
    this.processes.set(name, kept);
  }

  /** Names of the secrets that were handed in. */
  get secretNames(): readonly string[] {
    return readdirSync(path.join(this.directory, 'secrets'));
  }
}
