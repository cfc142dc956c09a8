import { setTimeout as pause } from 'node:timers/promises';
import { type Fault, type Step } from '../support/fault-point.ts';
import { KillableControlPlane, type KeyedWrite } from '../support/killable-control-plane.ts';
import { readModelRows } from '../support/recorded-once.ts';

const project = (n: number): KeyedWrite => ({
  ...{ key: `project-${n}`, method: 'POST', path: '/projects/', body: { name: `project-${n}` } },
});
/** Many looks between two statements of a rebuild, and yet no core that is busy with nothing else. */
const LOOK_EVERY_MS = 10;
const lastLine = ({ step, moment }: Fault): string => `${moment} ${step.name.split('\n').at(-1)?.trim() ?? ''}`;

/** Before every statement, and after each that is kept; see killed-anywhere.e2e-spec.ts. */
const faultsOf = (steps: readonly Step[]): Fault[] =>
  steps.flatMap((step): Fault[] => {
    const before: Fault = { step, moment: 'before' };
    return step.isKept ? [before, { step, moment: 'after' }] : [before];
  });

describe('npm run projections:rebuild, killed with -9 at every statement while a control plane serves', () => {
  const plane = new KillableControlPlane();
  const unmet: string[] = [];
  const complaints: string[] = [];
  let faults: Fault[] = [];
  let projects = 0;
  let isOver = false;
  let looks = 0;

  const addProject = async (): Promise<void> => {
    const one = project(projects + 1);
    const answer = await plane.call(one.method, one.path, one);
    if (answer.status !== 200) throw new Error(answer.text);
    projects += 1;
  };
  const listed = async (): Promise<number> => {
    const { resultList } = JSON.parse((await plane.call('GET', '/projects/')).text) as { resultList: object[] };
    return resultList.length;
  };
  /** Sees every project that was answered before it asked, at every moment. */
  const watch = async (): Promise<void> => {
    for (; !isOver; looks += 1) {
      const known = projects;
      const seen = await listed();
      if (seen < known) complaints.push(`${seen} of ${known} projects were listed`);
      await pause(LOOK_EVERY_MS);
    }
  };
  const rebuildRecorded = async (): Promise<Step[]> => {
    plane.faults.record();
    const command = plane.command('projections-rebuild', 'by the proxy');
    command.start();
    const code = await command.exited();
    if (code !== 0) throw new Error(`exit code ${code}: ${command.output}`);
    return plane.faults.endRecord();
  };
  const killRebuild = async (fault: Fault): Promise<void> => {
    const command = plane.command('projections-rebuild', 'by the proxy');
    const struck = plane.faults.arm(fault).then(() => true);
    command.start();
    const isMet = await Promise.race([struck, command.exited().then(() => false)]);
    await addProject();
    await command.signal('SIGKILL');
    plane.faults.release();
    if (!isMet) unmet.push(lastLine(fault));
    await addProject();
  };
  const readModels = async (): Promise<Record<string, unknown[]>> => {
    await plane.settled();
    return readModelRows(plane.database.pool);
  };

  beforeAll(async () => {
    await plane.start('directly');
    for (let n = 0; n < 3; n += 1) await addProject();
    const first = new Set((await rebuildRecorded()).map(({ name }) => name));
    faults = faultsOf((await rebuildRecorded()).filter(({ name }) => first.has(name)));
    const watching = watch();
    for (const fault of faults) await killRebuild(fault);
    isOver = true;
    await watching;
  }, 1_800_000);
  afterAll(() => plane.stop());

  it('was killed at each of them', () => {
    expect(unmet).toEqual([]);
    const killed = faults.map(lastLine).join('\n');
    for (const moment of ['before COMMIT', 'after COMMIT']) expect(killed).toContain(moment);
    process.stdout.write(`rebuild killed at ${faults.length} places, ${looks} looks\n`);
  });

  it('never lets a reader see less than was answered', () => {
    expect(looks).toBeGreaterThan(faults.length);
    expect(complaints).toEqual([]);
  });

  it('leaves read models as they were, and the next one makes them anew, equal', async () => {
    expect(await listed()).toBe(projects);
    const live = await readModels();
    await rebuildRecorded();
    expect(await readModels()).toEqual(live);
    await addProject();
    expect(await listed()).toBe(projects);
  });
});
