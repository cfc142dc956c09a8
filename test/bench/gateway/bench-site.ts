import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { obtainTools, versionOf } from '../../support/debian-tools.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { until } from '../../support/until.ts';
import { moveSelfTo, twoCores, type Cores } from './cores.ts';
import { PinnedProcess, stopAll, type PinnedCommand } from './pinned-process.ts';

const TOOLS = ['taskset', 'wrk', 'nginx', 'haproxy'] as const;
const ANSWER = '{"ok":true,"path":"orders","items":[1,2,3,4,5,6,7,8]}';

/** What all rows have in common: programs, cores, a Redis, the upstream, a directory; removed at the end. */
export class BenchSite {
  readonly directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-bench-'));
  redis!: RunningServer;
  upstreamPort = 0;
  private upstream!: PinnedProcess;

  private constructor(
    readonly tools: Readonly<Record<(typeof TOOLS)[number], string>>,
    readonly cores: Cores,
  ) {}

  /** From here on this process is on the load core too. */
  static async open(): Promise<BenchSite> {
    const tools = obtainTools(TOOLS);
    const site = new BenchSite(tools, twoCores());
    moveSelfTo(site.cores.load, tools.taskset);
    site.redis = await startRedis({ dataDir: path.join(site.directory, 'redis'), appendOnly: false });
    await site.startUpstream();
    return site;
  }

  /** Starts a system under test on the core that is kept for it. */
  startTested(command: string, args: readonly string[], more: Partial<PinnedCommand> = {}): PinnedProcess {
    return PinnedProcess.start({ taskset: this.tools.taskset, core: this.cores.tested, command, args, ...more });
  }

  /** Writes a file of the site. Returns its path. */
  file(name: string, content: string): string {
    const place = path.join(this.directory, name);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, content);
    return place;
  }

  async freePort(): Promise<number> {
    const [port = 0] = await freePortsInARow(1);
    return port;
  }

  upstreamCpuMs(): number {
    return this.upstream.cpuMs();
  }

  get versions(): readonly string[] {
    const { haproxy, nginx, wrk } = this.tools;
    return [versionOf(haproxy, '-v'), versionOf(nginx, '-v'), versionOf(wrk, '-v')];
  }

  async close(): Promise<void> {
    await stopAll();
    await this.redis.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** nginx, one process, a small JSON answer from memory, connections that it never ends. */
  private async startUpstream(): Promise<void> {
    this.upstreamPort = await this.freePort();
    const config = `daemon off; master_process off; pid ${this.directory}/nginx.pid; error_log stderr;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; default_type application/json;
  client_body_temp_path ${this.directory}/body; proxy_temp_path ${this.directory}/proxy;
  fastcgi_temp_path ${this.directory}/fastcgi; uwsgi_temp_path ${this.directory}/uwsgi; scgi_temp_path ${this.directory}/scgi;
  server { listen 127.0.0.1:${this.upstreamPort} backlog=4096; location / { return 200 '${ANSWER}'; } }
}
`;
    const args = ['-c', this.file('nginx.conf', config), '-p', this.directory];
    const place = { taskset: this.tools.taskset, core: this.cores.load };
    this.upstream = PinnedProcess.start({ ...place, command: this.tools.nginx, args });
    const url = `http://127.0.0.1:${this.upstreamPort}/`;
    const answers = async (): Promise<boolean> => {
      if (!this.upstream.isRunning) throw new Error(this.upstream.output);
      return (await fetch(url)).status === 200;
    };
    await until('nginx answers', answers);
  }
}
