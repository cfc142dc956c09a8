import type { HistoryFault, HistoryReport } from '#libs/event-store';

/** The report in words. */
export function verificationText(report: HistoryReport): string {
  const lines = [verdict(report), ...report.faults.map(faultText), ...unlisted(report), ...firstOnly(report)];
  return `${[...lines, '', ...reach(report)].join('\n')}\n`;
}

/** Somebody who sees one event named might think that the others are as they were. */
const firstOnly = ({ faultCount }: HistoryReport): string[] =>
  faultCount === 0
    ? []
    : ['Of a stream only the first event with a fault is named: nothing is said of those after it.'];

function verdict({ faultCount, events, streams }: HistoryReport): string {
  const what = `${counted(events, 'event')} in ${counted(streams, 'stream')}`;
  if (faultCount === 0) return `History is as it was recorded: ${what} verified.`;
  return `HISTORY IS NOT AS IT WAS RECORDED: ${counted(faultCount, 'fault')}, ${what} read.`;
}

function faultText({ kind, event, problem }: HistoryFault, index: number): string {
  const number = `${String(index + 1).padStart(3)}.`;
  if (event === undefined) return `${number} ${kind}: ${problem}`;
  const { streamId, version, eventId, type, recordedAt } = event;
  return `${number} ${kind}: stream ${streamId}, version ${version}, event ${eventId}, ${type}, recorded ${recordedAt}\n     ${problem}`;
}

const unlisted = ({ faultCount, faults }: HistoryReport): string[] =>
  faultCount > faults.length ? [`     and ${faultCount - faults.length} more`] : [];

/** What the verdict stands on, and what it could not see. */
function reach({ anchor, onlyChained, files }: HistoryReport): string[] {
  const anchored =
    anchor === undefined
      ? 'Not anchored: the database has no checkpoint.'
      : `Anchored up to event ${anchor.events} by checkpoint ${anchor.checkpoint} of ${anchor.takenAt}.`;
  const chained =
    onlyChained === 0
      ? []
      : [
          `${counted(onlyChained, 'event')} ${anchor === undefined ? '' : 'behind it '}only chained: had the newest of them been cut off together with the rows`,
          'that say where their streams end, that could not be noticed.',
        ];
  return [anchored, ...chained, ...outside(files)];
}

function outside(files: HistoryReport['files']): string[] {
  if (files.length === 0) {
    return ['No file of checkpoints was compared: an older state of the whole database could not be noticed.'];
  }
  return files.map(({ file, checkpoints, newest, torn }) => {
    const tornText = torn === 0 ? '' : `, ${counted(torn, 'torn line')}`;
    return `${file}: ${counted(checkpoints, 'checkpoint')}, up to number ${newest}${tornText}.`;
  });
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
