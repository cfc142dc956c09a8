import { existsSync } from 'node:fs';
import path from 'node:path';
import { CheckpointSeal, verifyHistory, type HistoryReport } from '#libs/event-store';
import { openHistory, type OpenHistory } from './open-history.ts';
import { WrongArguments, type Arguments, type MaintenanceCommand } from './run-command.ts';
import { verificationText } from './audit-verify-text.ts';

const FAULTS_LISTED = 20;
const PROGRESS_EVERY_MS = 2_000;

const HELP = `npm run audit:verify -- [--checkpoints FILE]... [--json] [--public-key]

Reads the whole log of events as it is now, and compares it with the MACs of the events, with the signed
checkpoints in the database and with those in files kept outside it. Changes nothing; a control plane may
serve meanwhile. With the settings of the control plane.

  --checkpoints FILE  a file of checkpoints, a line of JSON each; may be repeated
                      (left out: AUDIT_CHECKPOINT_FILE, if it is there)
  --json              the report as JSON
  --public-key        prints the key that signatures of checkpoints are checked with, and does nothing else

Exit code: 0 all is as it was recorded, 1 something is not, 2 it could not be verified.
`;

function isThere(file: string): boolean {
  if (existsSync(file)) return true;
  process.stderr.write(`audit:verify: there is no file ${file} (AUDIT_CHECKPOINT_FILE): verified without it\n`);
  return false;
}

/** The files to compare with. @throws WrongArguments when one that was named is not there */
function filesOf(history: OpenHistory, { values }: Arguments): readonly string[] {
  const named = values['checkpoints'] as readonly string[] | undefined;
  if (named === undefined) return [history.config.auditCheckpointFile].filter(isThere);
  const files = named.map((file) => path.resolve(file));
  for (const file of files) if (!existsSync(file)) throw new WrongArguments(`there is no file ${file}`);
  return files;
}

/** Says on standard error how far it is, when it takes long. */
function progress(): (events: number) => void {
  let saidAt = performance.now();
  return (events) => {
    if (performance.now() - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = performance.now();
    process.stderr.write(`audit:verify: ${events} events read\n`);
  };
}

function print(report: HistoryReport, asJson: boolean): void {
  process.stdout.write(asJson ? `${JSON.stringify(report, null, 2)}\n` : verificationText(report));
}

export const AUDIT_VERIFY: MaintenanceCommand = {
  name: 'audit:verify',
  help: HELP,
  open: openHistory,
  options: {
    checkpoints: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    'public-key': { type: 'boolean' },
  },
  async run(history, given) {
    if (given.values['public-key'] === true) {
      process.stdout.write(new CheckpointSeal(history.keys).publicKeyPem);
      return 0;
    }
    const files = filesOf(history, given);
    const report = await verifyHistory(history.database, history.keys, {
      ...{ files, faultLimit: FAULTS_LISTED, onProgress: progress() },
    });
    print(report, given.values['json'] === true);
    return report.faultCount === 0 ? 0 : 1;
  },
};
