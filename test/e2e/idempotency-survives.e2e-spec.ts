import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { callApiops, type ApiopsAnswer, type KeyedBody } from '../support/apiops-call.ts';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { until } from '../support/until.ts';

const WRITERS = 4;
/** After how many answers of a round something is killed, while other requests are on their way, and what. */
const ROUNDS = [
  { answers: 1, victim: 'control plane' },
  { answers: 9, victim: 'control plane' },
  { answers: 20, victim: 'PostgreSQL' },
  { answers: 5, victim: 'control plane' },
  { answers: 13, victim: 'PostgreSQL' },
] as const;

interface Write extends KeyedBody {
  readonly path: string;
}

interface Result {
  readonly name?: string;
  readonly keyId?: string;
  readonly gatewayKey?: string;
}
const resultsOf = (text: string): Result[] => (JSON.parse(text) as { resultList?: Result[] }).resultList ?? [];

/** What is answered again of what was answered before: the same bytes, without what is shown once. */
function answeredAgain(text: string): string {
  const answer = JSON.parse(text) as { resultList: (Result & { secretAlreadyShown?: true })[] };
  const resultList = answer.resultList.map(({ gatewayKey, ...rest }) =>
    gatewayKey === undefined ? rest : { ...rest, secretAlreadyShown: true },
  );
  return JSON.stringify({ ...answer, resultList });
}

/** A control plane with a PostgreSQL of its own. */
class Survivor {
  private readonly adminToken = `gwt_${randomBytes(32).toString('base64url')}`;
  private readonly directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-e2e-'));
  private redis!: RunningServer;
  private program!: ChildProgram;
  private url = '';

  async start(): Promise<void> {
    chmodSync(this.directory, 0o711);
    this.redis = await startRedis({ dataDir: path.join(this.directory, 'redis'), appendOnly: true });
    const [port = 0] = await freePortsInARow(1);
    this.url = `http://127.0.0.1:${port}`;
    this.program = new ChildProgram('apps/control-plane/src/main.js', {
      ...{ HOST: '127.0.0.1', PORT: String(port), ADMIN_TOKEN: this.adminToken, REDIS_URL: this.redis.url },
      ...{ DATA_DIR: path.join(this.directory, 'control-plane'), DEPLOY_TIMEOUT_MS: '500', LOG_LEVEL: 'warn' },
    });
    await this.startAgain();
  }

  async startAgain(): Promise<void> {
    this.program.start();
    await until('the control plane is ready', async () => (await fetch(`${this.url}/readyz`)).status === 200, 30_000);
  }

  async kill(victim: (typeof ROUNDS)[number]['victim']): Promise<void> {
    if (victim === 'control plane') {
      await this.program.signal('SIGKILL');
      return;
    }
    const [pid = ''] = readFileSync(path.join(this.directory, 'control-plane/postgres/postmaster.pid'), 'utf8').split(
      '\n',
    );
    process.kill(Number(pid), 'SIGKILL');
    // Without its database a control plane ends, for whoever supervises it to start it again.
    await this.program.exited();
  }

  call(method: string, callPath: string, write?: Write): Promise<ApiopsAnswer> {
    const { url, adminToken } = this;
    return callApiops({ url, adminToken }, method, callPath, write);
  }

  async stop(): Promise<void> {
    await this.program.signal('SIGTERM');
    await this.redis.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

describe('writes with an Idempotency-Key, while control plane and database are killed with -9', () => {
  const survivor = new Survivor();
  const sent: Write[] = [];
  const answers = new Map<Write, string>();

  /** Every other write is one that the database would let pass twice: one more key of a gateway. */
  const nextWrite = (): Write => {
    const key = `write-${sent.length}`;
    const write =
      sent.length % 2 === 0
        ? { key, path: '/projects/', body: { name: key } }
        : { key, path: '/environments/production/keys/', body: {} };
    sent.push(write);
    return write;
  };

  /** Sends one write after the other until nobody answers any more. */
  const sendUntilKilled = async (answered: () => void): Promise<void> => {
    for (;;) {
      const write = nextWrite();
      const answer = await survivor.call('POST', write.path, write).catch(() => undefined);
      if (answer?.status !== 200) return;
      answers.set(write, answer.text);
      answered();
    }
  };

  const sendAndKill = async ({ answers: enough, victim }: (typeof ROUNDS)[number]): Promise<void> => {
    let count = 0;
    let killing: Promise<void> | undefined;
    const answered = (): void => {
      count += 1;
      if (count === enough) killing = survivor.kill(victim);
    };
    await Promise.all(Array.from({ length: WRITERS }, () => sendUntilKilled(answered)));
    await killing;
  };

  beforeAll(async () => {
    await survivor.start();
    const body = { name: 'production' };
    await survivor.call('POST', '/environments/', { key: 'environment', path: '', body });
    for (const round of ROUNDS) {
      await sendAndKill(round);
      await survivor.startAgain();
    }
  }, 120_000);
  afterAll(() => survivor.stop());

  it('are all there once when they are sent again, and answered as they were', async () => {
    expect(answers.size).toBeGreaterThanOrEqual(ROUNDS.reduce((sum, round) => sum + round.answers, 0));
    expect(answers.size).toBeLessThan(sent.length);
    const again = await Promise.all(sent.map((write) => survivor.call('POST', write.path, write)));
    expect(again.filter(({ status }) => status !== 200)).toEqual([]);
    const differing = sent.flatMap((write, index) => {
      const before = answers.get(write);
      const { isReplay = false, text = '' } = again[index] ?? {};
      return before === undefined || (isReplay && text === answeredAgain(before)) ? [] : [{ isReplay, text }];
    });
    // Where PostgreSQL was killed between a change and the keeping of its answer, the client got an answer that is not
    // known any more: each of the writers has one such write at most. That it was done is known all the same.
    const deaths = ROUNDS.filter(({ victim }) => victim === 'PostgreSQL').length;
    expect(differing.length).toBeLessThanOrEqual(deaths * WRITERS);
    for (const { isReplay, text } of differing) {
      expect(isReplay).toBe(true);
      expect(JSON.parse(text)).toMatchObject({ success: true, warnings: [{ field: 'Idempotency-Key' }] });
    }

    const projects = resultsOf((await survivor.call('GET', '/projects/')).text).map(({ name }) => name);
    const named = sent.filter((write) => write.path === '/projects/').map(({ key }) => key);
    expect([...projects].sort()).toEqual([...named].sort());

    const keyIds = resultsOf((await survivor.call('GET', '/environments/production/keys/')).text).map(
      ({ keyId }) => keyId,
    );
    const shown = [...answers.values()].flatMap(resultsOf).flatMap(({ keyId }) => keyId ?? []);
    expect(keyIds).toEqual(expect.arrayContaining(shown));
    // One that came with the environment, and one for each write.
    expect(keyIds).toHaveLength(1 + sent.length - named.length);
  });
});
