import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { until } from '../support/until.ts';

const READY_WITHIN_MS = 30_000;

export interface BenchServers {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** A control plane in a process of its own, as it is delivered, and a client that keeps its connections. */
export class BenchControlPlane {
  private readonly agent = new http.Agent({ keepAlive: true, noDelay: true });

  private constructor(
    private readonly program: ChildProgram,
    private readonly port: number,
    private readonly token: string,
  ) {}

  static async start(servers: BenchServers, dataDir: string): Promise<BenchControlPlane> {
    const [port = 0] = await freePortsInARow(1);
    const token = `gwt_${randomBytes(32).toString('base64url')}`;
    const program = new ChildProgram('apps/control-plane/src/main.js', {
      ...{ DATABASE_URL: servers.databaseUrl, REDIS_URL: servers.redisUrl, DATA_DIR: dataDir },
      ...{ HOST: '127.0.0.1', PORT: String(port), ADMIN_TOKEN: token },
      // A benchmark asks as fast as it can, with one token.
      API_REQUESTS_PER_MINUTE: '0',
      MASTER_KEY: randomBytes(32).toString('base64'),
    });
    const one = new BenchControlPlane(program, port, token);
    program.start();
    await until('the control plane is ready', () => one.isReady(), READY_WITHIN_MS);
    return one;
  }

  /**
   * A call of apiops; calls that follow each other use one connection.
   *
   * @param path after `/apiops`
   * @throws Error when the answer is not 200
   */
  async call(method: string, path: string, body: object): Promise<any> {
    const { status, text } = await this.send(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
    return JSON.parse(text);
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    await this.program.signal('SIGTERM');
  }

  private async isReady(): Promise<boolean> {
    return (await fetch(`http://127.0.0.1:${this.port}/readyz`)).status === 200;
  }

  private send(method: string, path: string, body: object): Promise<{ status: number | undefined; text: string }> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const target = { agent: this.agent, host: '127.0.0.1', port: this.port, method, path: `/apiops${path}`, headers };
      const request = http.request(target, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString('utf8') }));
      });
      request.on('error', reject);
      request.end(JSON.stringify(body));
    });
  }
}
