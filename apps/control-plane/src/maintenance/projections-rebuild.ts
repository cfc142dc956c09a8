import { EventStoreUnavailable, ProjectionRunner, RebuildUnderWay } from '#libs/event-store';
import { PROJECTIONS } from '../slices.ts';
import { openHistory } from './open-history.ts';
import { rebuildReport } from './rebuild-report.ts';
import { WrongArguments, type MaintenanceCommand } from './run-command.ts';

const NAMES = PROJECTIONS.map(({ name }) => name);

const HELP = `npm run projections:rebuild [-- NAME ...]

Makes read models anew from the history, all of them or those that are named: ${NAMES.join(', ')}.
Works beside a running control plane and while it is down, with the same settings (DATABASE_URL and MASTER_KEY, or DATA_DIR).
The old rows serve until the new ones take their place, all at once. Whatever ends this before leaves everything as it was.

  --help

Exit code: 0 all were rebuilt, 2 at least one was not.
`;

/** @throws WrongArguments naming those that do not exist, and those that do */
function namesFrom(given: readonly string[]): readonly string[] {
  const unknown = given.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) {
    throw new WrongArguments(`there is no read model ${unknown.join(', ')}; there are: ${NAMES.join(', ')}`);
  }
  return given.length === 0 ? NAMES : [...new Set(given)];
}

/** @returns whether it was rebuilt; why not has been said then. @throws EventStoreUnavailable: nor will the next ones be */
async function rebuildOne(runner: ProjectionRunner, name: string): Promise<boolean> {
  const report = rebuildReport(name, (line) => process.stderr.write(`${line}\n`));
  try {
    await runner.rebuild(name, report.progress);
    process.stdout.write(`${report.done()}\n`);
    return true;
  } catch (error) {
    if (error instanceof EventStoreUnavailable) throw error;
    const reason = error instanceof RebuildUnderWay ? 'another rebuild of it is under way' : (error as Error).stack;
    process.stderr.write(`${name}: not rebuilt, the rows are as before: ${reason}\n`);
    return false;
  }
}

export const PROJECTIONS_REBUILD: MaintenanceCommand = {
  name: 'projections:rebuild',
  help: HELP,
  open: openHistory,
  options: {},
  allowPositionals: true,
  async run({ store }, { positionals }) {
    const names = namesFrom(positionals);
    const runner = new ProjectionRunner(store, PROJECTIONS);
    let areAllRebuilt = true;
    for (const name of names) areAllRebuilt = (await rebuildOne(runner, name)) && areAllRebuilt;
    return areAllRebuilt ? 0 : 2;
  },
};
