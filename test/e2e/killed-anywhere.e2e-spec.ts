import { setTimeout as pause } from 'node:timers/promises';
import { type Fault, type Step } from '../support/fault-point.ts';
import { KillableControlPlane, type KeyedWrite } from '../support/killable-control-plane.ts';
import {
  brokenChains,
  deploymentsNotEndedOnce,
  readModelRows,
  recordedWrites,
  strayNamesAndSecrets,
} from '../support/recorded-once.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { until } from '../support/until.ts';

const ENVIRONMENTS = ['staging', 'production'];
const P = '/projects/demo';

const write = (key: string, method: KeyedWrite['method'], path: string, body: object): KeyedWrite => ({
  ...{ key, method, path, body },
});

/** A change of a policy, the wishes to deploy it, and all that becomes of them. */
const deployedChange = (n: number): KeyedWrite[] => [
  write(`policy-${n}`, 'POST', `${P}/apiProxies/orders/policies/p${n}/`, policyBody(authJwtPolicy(), ENVIRONMENTS)),
];

const deniedKey = (n: number) => ({ uri: 'https://login.example.com/jwks.json', kid: `key-${n}` });

/** What the other read models show, and what is told of users and ordered about key sets. */
const listedChanges = (n: number): KeyedWrite[] => [
  write(`project-${n}`, 'POST', '/projects/', { name: `project-${n}` }),
  write(`environment-${n}`, 'PUT', '/environments/staging/', { name: 'staging', description: `change ${n}` }),
  write(`credential-${n}`, 'POST', `${P}/credentials/`, {
    ...{ username: `user-${n}`, password: `the password of ${n}`, email: `user-${n}@example.org`, fullName: 'A User' },
  }),
  write(`deny-${n}`, 'POST', '/environments/staging/jwks/deny/', deniedKey(n)),
];

/** The events that a write is to leave, by the beginning of its key. */
const EVENTS: Readonly<Record<string, readonly string[]>> = {
  policy: ['DeploymentRequested', 'DeploymentRequested', 'PolicyAdded'],
  project: ['ProjectCreated'],
  environment: ['EnvironmentUpdated'],
  credential: ['CredentialCreated'],
  deny: ['KeyIdDenied'],
};

interface Round extends Fault {
  readonly writes: (n: number) => KeyedWrite[];
}

/** What was seen to be wrong between one kill and the next. */
interface Complaint {
  readonly at: string;
  readonly wrong: string;
}

const lastLine = ({ step, moment }: Fault): string => `${moment} ${step.name.split('\n').at(-1)?.trim() ?? ''}`;

class Lane {
  readonly plane = new KillableControlPlane();
  readonly sent: KeyedWrite[] = [];
  /** Whose step the writes still lead to each time, and yet it was met in none of their tries. */
  readonly unmet: Round[] = [];
  /** Whose step turned out to depend on chance, like how many events a read model finds at once. */
  readonly byChance: Round[] = [];
  readonly complaints: Complaint[] = [];
  private count = 0;

  async start(): Promise<void> {
    const { plane } = this;
    await plane.start();
    for (const name of ENVIRONMENTS) {
      await this.done(write(name, 'POST', '/environments/', { name, redisUrl: plane.redisUrl }));
    }
    await this.done(write('demo', 'POST', '/projects/', { name: 'demo' }));
    const proxy = proxyBody('orders', '/orders', 'http://127.0.0.1:1');
    await this.done(write('orders', 'POST', `${P}/apiProxies/url/`, proxy));
    await plane.settled();
  }

  /** Does the writes once, so that what comes later finds everything that only the first time makes. */
  async warmUp(writes: Round['writes']): Promise<void> {
    for (const one of this.next(writes)) await this.done(one);
    await this.plane.settled();
  }

  /**
   * Every step that the writes lead to, whoever makes it. What is not met in each of three runs depends on chance (the
   * moment at which somebody looks by himself), and is no part of the way.
   */
  async stepsOf(writes: Round['writes']): Promise<Step[]> {
    const first = new Set((await this.recordedSteps(writes)).map(({ name }) => name));
    const second = new Set((await this.recordedSteps(writes)).map(({ name }) => name));
    return (await this.recordedSteps(writes)).filter(({ name }) => first.has(name) && second.has(name));
  }

  private async recordedSteps(writes: Round['writes']): Promise<Step[]> {
    this.plane.faults.record();
    await this.warmUp(writes);
    return this.plane.faults.endRecord();
  }

  /** Kills at a step, starts again, and sends what it was killed in once more. */
  async round(round: Round, triesLeft = 2): Promise<void> {
    const { plane } = this;
    const writes = this.next(round.writes);
    const { isMet, answers } = await plane.killedAt(round, writes);
    await plane.startAgain();
    for (const [index, one] of writes.entries()) {
      const again = await this.done(one);
      const before = answers[index];
      if (before === undefined) continue;
      if (before.status !== 200) this.complain(round, `${one.key} was answered with ${before.status}`);
      else if (!again.isReplay || again.text !== before.text) this.complain(round, `${one.key}: ${again.text}`);
    }
    await this.look(round);
    if (isMet) return;
    if (triesLeft > 0) await this.round(round, triesLeft - 1);
    else if (await this.isOnTheWay(round)) this.unmet.push(round);
    else this.byChance.push(round);
  }

  private async isOnTheWay({ step, writes }: Round): Promise<boolean> {
    return (await this.stepsOf(writes)).some(({ name }) => name === step.name);
  }

  /** Sends until it is answered: right after a start, what the killed process had in hand may still be held. */
  private async done(one: KeyedWrite): Promise<{ isReplay: boolean; text: string }> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.plane.call(one.method, one.path, one);
      if (answer.status === 200) return answer;
      if (attempt === 50) throw new Error(`${one.key}: ${answer.status} ${answer.text}`);
      await pause(100);
    }
  }

  /** Lists show everything that was answered, from the first moment on. */
  private async look(round: Round): Promise<void> {
    const projects = (await this.plane.call('GET', '/projects/')).text;
    const missing = this.sent.filter(({ key }) => key.startsWith('project-') && !projects.includes(`"${key}"`));
    if (missing.length > 0) this.complain(round, `not listed: ${missing.map(({ key }) => key).join(', ')}`);
    const policies = this.sent.filter(({ key }) => key.startsWith('policy-')).length;
    const proxies = (await this.plane.call('GET', `${P}/apiProxies/`)).text;
    if (!proxies.includes(`"revision":${policies + 1}`)) this.complain(round, `${policies} policies: ${proxies}`);
  }

  private next(writes: Round['writes']): KeyedWrite[] {
    this.count += 1;
    const next = writes(this.count);
    this.sent.push(...next);
    return next;
  }

  private complain(round: Round, wrong: string): void {
    this.complaints.push({ at: lastLine(round), wrong });
  }
}

/**
 * Before every statement, and after everything that a server keeps. That is all there is: a statement within a
 * transaction that was carried out and not heard of is undone like one that never came, and before a command to Redis
 * everything is as after the step before it.
 */
const roundsOf = (steps: readonly Step[], writes: Round['writes']): Round[] =>
  steps.flatMap((step) => {
    const before: Round[] = step.name.startsWith('Redis') ? [] : [{ step, moment: 'before', writes }];
    return step.isKept ? [...before, { step, moment: 'after', writes }] : before;
  });

describe('a control plane killed with -9 at every step that changes, relay, deployer and read models take', () => {
  const lanes = [new Lane(), new Lane()];
  let rounds: Round[];

  beforeAll(async () => {
    const prepare = async (lane: Lane): Promise<void> => {
      await lane.start();
      for (const writes of [deployedChange, listedChanges]) await lane.warmUp(writes);
    };
    await Promise.all(lanes.map(prepare));
    const [recorder] = lanes as [Lane, Lane];
    const deployed = await recorder.stepsOf(deployedChange);
    const known = new Set(deployed.map(({ name }) => name));
    const listed = (await recorder.stepsOf(listedChanges)).filter(({ name }) => !known.has(name));
    rounds = [...roundsOf(deployed, deployedChange), ...roundsOf(listed, listedChanges)];
    const open = [...rounds];
    const runLane = async (lane: Lane): Promise<void> => {
      for (let round = open.shift(); round !== undefined; round = open.shift()) await lane.round(round);
      await lane.plane.settled();
    };
    await Promise.all(lanes.map(runLane));
  }, 1_800_000);
  afterAll(() => Promise.all(lanes.map((lane) => lane.plane.stop())));

  it('was killed at each of them', () => {
    expect(lanes.flatMap(({ unmet }) => unmet).map(({ step, moment }) => `${moment} ${step.name}`)).toEqual([]);
    const byChance = new Set(lanes.flatMap((lane) => lane.byChance));
    const met = rounds.filter((round) => !byChance.has(round));
    expect(met.length).toBeGreaterThan(0.95 * rounds.length);
    const killed = met.map(lastLine).join('\n');
    for (const step of [
      ...[' FROM event_store_append', 'before COMMIT', 'after COMMIT'],
      ...['before with wish as ( insert into deployments', 'after Redis script', 'before update deployments set state'],
      ...['before UPDATE projection_checkpoints', 'before insert into secrets'],
    ]) {
      expect(killed).toContain(step);
    }
    process.stdout.write(
      `killed at ${met.length} of ${rounds.length} places, ${lanes.flatMap(({ sent }) => sent).length} writes\n`,
    );
  });

  it('answers as before what it had answered, and lists it at once', () => {
    expect(lanes.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  it.each([0, 1])('has each change once, and nothing beside (lane %i)', async (index) => {
    const { plane, sent } = lanes[index] as Lane;
    const expected = new Map(sent.map(({ key }) => [key, EVENTS[key.split('-')[0] ?? '']]));
    const recorded = await recordedWrites(plane.database.pool);
    for (const name of ['demo', 'orders', ...ENVIRONMENTS]) recorded.delete(name);
    expect(Object.fromEntries(recorded)).toEqual(Object.fromEntries(expected));
    expect(await strayNamesAndSecrets(plane.database.pool)).toEqual([]);
  });

  it.each([0, 1])('has ended each deployment once (lane %i)', async (index) => {
    const { plane, sent } = lanes[index] as Lane;
    expect(await deploymentsNotEndedOnce(plane.database.pool)).toEqual([]);
    const { rows } = await plane.database.pool.query<{ count: string }>('select count(*) from deployments');
    const wished = sent.filter(({ key }) => key.startsWith('policy-')).length;
    expect(Number(rows[0]?.count)).toBe(wished * ENVIRONMENTS.length);
  });

  it.each([0, 1])('has told the environment all that was ordered about key sets (lane %i)', async (index) => {
    const { plane, sent } = lanes[index] as Lane;
    const ordered = sent.flatMap(({ key }) => (key.startsWith('deny-') ? [deniedKey(Number(key.slice(5)))] : []));
    const first = async (path: string) =>
      (JSON.parse((await plane.call('GET', path)).text) as { resultList: Record<string, unknown>[] }).resultList[0];
    await until('it is told', async () => (await first('/environments/staging/jwks/'))?.['isTold'] === true);
    expect((await first('/environments/staging/jwks/'))?.['denied']).toMatchObject(ordered);
    expect((await first('/environments/staging/drift/'))?.['findings']).toEqual([]);
  });

  it.each([0, 1])('has left a history whose MACs hold (lane %i)', async (index) => {
    const { plane } = lanes[index] as Lane;
    expect(await brokenChains(plane.database.pool, await plane.historyKeys())).toEqual([]);
    const verify = plane.command('audit-verify', 'directly');
    verify.start();
    expect([await verify.exited(), verify.output]).toEqual([0, expect.any(String)]);
  });

  it.each([0, 1])('has read models equal to those made anew from the history (lane %i)', async (index) => {
    const { plane } = lanes[index] as Lane;
    const live = await readModelRows(plane.database.pool);
    const rebuild = plane.command('projections-rebuild', 'directly');
    rebuild.start();
    expect([await rebuild.exited(), rebuild.output]).toEqual([0, expect.any(String)]);
    expect(await readModelRows(plane.database.pool)).toEqual(live);
    expect(live['read_api_proxies']).toHaveLength(1);
  });
});
