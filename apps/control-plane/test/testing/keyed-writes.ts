import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type pg from 'pg';
import { policyBody, proxyBody } from './request-bodies.ts';
import type { RunningControlPlane } from './running-control-plane.ts';
import { until } from './test-servers.ts';

const PROXY = '/projects/shop/apiProxies';
const NOTHING = /; nothing was recorded$/;
const RECORDED = /^the change was recorded/;

export interface Write {
  readonly key: string;
  readonly path: string;
  readonly body: object;
}

/** How a test looks at what is recorded. */
export interface Recorded {
  /** Types of the events that each `Idempotency-Key` has left. */
  writes(database: pg.Pool): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Deployments that are still open, or have several ends. */
  deploymentsNotEndedOnce(database: pg.Pool): Promise<readonly unknown[]>;
  /** Streams whose MACs do not hold. */
  brokenChains(database: pg.Pool): Promise<readonly string[]>;
}

export interface WriteAnswer {
  readonly status: number;
  readonly message: string;
}

/** What came of writes before, while and after changes were refused. */
export class Turn {
  done = 0;
  refused = 0;
  doneAgain = 0;
  private isAwaited = false;

  /** From now on a refusal is what is waited for. On a busy machine some come before. */
  begin(): void {
    this.isAwaited = true;
  }

  /** @returns whether so many were done after the refusals */
  count({ status }: WriteAnswer, doneAgainCount: number): boolean {
    if (!this.isAwaited) this.done += status === 200 ? 1 : 0;
    else if (status !== 200) this.refused += 1;
    else if (this.refused > 0) this.doneAgain += 1;
    return this.doneAgain >= doneAgainCount;
  }
}

/** Writes that are sent until they are answered, and what was said of them, to be held against what is recorded. */
export class KeyedWrites {
  private readonly answers = new Map<Write, WriteAnswer[]>();
  private count = 0;
  private environment = '';

  constructor(
    private readonly plane: RunningControlPlane,
    private readonly app: NestFastifyApplication,
    private readonly recorded: Recorded,
  ) {}

  async prepare(): Promise<void> {
    this.environment = (await this.plane.environment()).name;
    await this.plane.done('POST', '/projects/', { name: 'shop' });
    await this.plane.done('POST', `${PROXY}/url/`, proxyBody('orders'));
  }

  async ask(method: 'GET' | 'POST', url: string, write?: Write): Promise<WriteAnswer> {
    const { statusCode, body } = await this.app.inject({
      ...{ method, url },
      headers: {
        authorization: `Bearer ${this.plane.adminToken}`,
        ...(write === undefined ? {} : { 'idempotency-key': write.key }),
      },
      ...(write === undefined ? {} : { payload: write.body }),
    });
    const message = (JSON.parse(body) as { error_description?: string }).error_description ?? '';
    return { status: statusCode, message };
  }

  /** In turn a change of one aggregate, and one of several whose deployment goes on after the answer. */
  next(): Write {
    this.count += 1;
    const key = `write-${this.count}`;
    if (this.count % 2 === 0) return { key, path: '/projects/', body: { name: key } };
    const deploy = { deploy: true, deployTargetEnvironmentNameList: [this.environment] };
    return { key, path: `${PROXY}/orders/policies/${key}/`, body: policyBody(deploy) };
  }

  async send(write: Write): Promise<WriteAnswer> {
    const answer = await this.ask('POST', `/apiops${write.path}`, write);
    this.answers.set(write, [...(this.answers.get(write) ?? []), answer]);
    return answer;
  }

  /** So many at once, one after the other each, until told to stop; whoever is refused waits until it is worth another try. */
  async keepWriting(writers: number, isOver: (answer: WriteAnswer) => boolean): Promise<void> {
    let hasEnded = false;
    const writer = async (): Promise<void> => {
      while (!hasEnded) {
        const answer = await this.send(this.next());
        hasEnded = isOver(answer) || hasEnded;
        if (answer.status !== 200) await until('it is ready again', () => this.isReady(), 120_000);
      }
    };
    await Promise.all(Array.from({ length: writers }, writer));
  }

  async isReady(): Promise<boolean> {
    return (await this.ask('GET', '/readyz')).status === 200;
  }

  /** Everything that was said of a write is true: answered means once, refused means not at all. */
  async checkEveryAnswer(database: pg.Pool): Promise<void> {
    const recorded = await this.recorded.writes(database);
    for (const [{ key, path: where }, given] of this.answers) {
      const types = where === '/projects/' ? ['ProjectCreated'] : ['DeploymentRequested', 'PolicyAdded'];
      const found = recorded.get(key);
      expect(given.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
      const isDone = given.some(({ status, message }) => status === 200 || RECORDED.test(message));
      const isNothing = given.every(({ status, message }) => status === 503 && NOTHING.test(message));
      if (isDone) expect({ key, given, found }).toEqual({ key, given, found: types });
      else if (isNothing) expect({ key, given, found }).toEqual({ key, given, found: undefined });
      expect(found ?? types).toEqual(types);
    }
  }

  /** The same requests again: what was not done is done, what was done is not done again. */
  async sendAllAgain(database: pg.Pool): Promise<void> {
    for (const [write, given] of [...this.answers]) {
      if (given.some(({ status }) => status === 200)) continue;
      await until(`${write.key} is answered`, async () => (await this.send(write)).status === 200, 30_000);
    }
    await this.checkEveryAnswer(database);
    await until(
      'each deployment has ended',
      async () => (await this.recorded.deploymentsNotEndedOnce(database)).length === 0,
      60_000,
    );
    expect(await this.recorded.brokenChains(database)).toEqual([]);
    this.answers.clear();
  }
}
