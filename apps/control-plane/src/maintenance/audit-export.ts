import { parseWith } from '#libs/policy-contracts';
import { positionText } from '../audit-trail/audit-position.ts';
import { AUDIT_QUERY, selectionOf, type AuditSelection } from '../audit-trail/audit-selection.ts';
import { AuditTrail } from '../audit-trail/audit-trail.ts';
import { FileOutput, StreamOutput, type ExportOutput } from './export-output.ts';
import { openHistory } from './open-history.ts';
import { WrongArguments, type Arguments, type MaintenanceCommand } from './run-command.ts';

const HELP = `npm run audit:export [-- OPTIONS]

Writes the audit trail as lines of JSON, oldest first: what happened, who did it, through which request and why.
Works beside a running control plane and while it is down, with the same settings (DATABASE_URL and MASTER_KEY, or DATA_DIR).

  --project NAME    only what belongs to a project that bears this name, or bore it before it was deleted
  --from TIME       recorded at this moment or later, ISO 8601: 2026-03-01T12:00:00Z
  --to TIME         recorded before this moment
  --after POSITION  goes on after the line with this "position"
  --output FILE     into a file, which is there once all is written; without it, to standard output
  --help
`;

/** Members of the query, by the options that say the same. */
const OPTION_OF: Readonly<Record<string, string>> = { projectName: 'project' };

/** @throws WrongArguments naming every option whose value will not do */
async function selectionFrom(trail: AuditTrail, { values }: Arguments): Promise<AuditSelection> {
  const { project, from, to, after } = values;
  const given = Object.entries({ projectName: project, from, to, after }).filter(([, value]) => value !== undefined);
  const parsed = parseWith(AUDIT_QUERY, Object.fromEntries(given));
  if (!parsed.ok) {
    const faults = parsed.faults.map(({ field, message }) => message.replace(field, `--${OPTION_OF[field] ?? field}`));
    throw new WrongArguments(faults.join('\n'));
  }
  const { projectName, ...range } = parsed.value;
  if (projectName === undefined) return selectionOf(range);
  const projectIds = await trail.projectsNamed(projectName);
  if (projectIds.length === 0) throw new WrongArguments(`--project: there never was a project ${projectName}`);
  return { ...selectionOf(range), projectIds };
}

/** @throws WrongArguments when the file cannot be made */
async function openOutput(file: unknown): Promise<ExportOutput> {
  if (typeof file !== 'string') return new StreamOutput(process.stdout);
  try {
    return await FileOutput.open(file);
  } catch (error) {
    throw new WrongArguments(`--output: ${(error as Error).message}`);
  }
}

/** Says on standard error how far it came: what the next export goes on after. */
async function writeAll(trail: AuditTrail, selection: AuditSelection, output: ExportOutput): Promise<void> {
  let lineCount = 0;
  let last = '';
  for await (const page of trail.pages(selection)) {
    if (!(await output.write(page.text))) return;
    lineCount += page.lineCount;
    last = `; go on with --after ${positionText(page.position)}`;
  }
  await output.finish();
  process.stderr.write(`audit:export: ${lineCount} events${last}\n`);
}

export const AUDIT_EXPORT: MaintenanceCommand = {
  name: 'audit:export',
  help: HELP,
  open: openHistory,
  options: {
    project: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    after: { type: 'string' },
    output: { type: 'string' },
  },
  async run({ store }, given) {
    const trail = new AuditTrail(store);
    const selection = await selectionFrom(trail, given);
    const output = await openOutput(given.values['output']);
    try {
      await writeAll(trail, selection, output);
    } catch (error) {
      await output.abandon();
      throw error;
    }
    return 0;
  },
};
