import { pino, type DestinationStream } from 'pino';

/** So much text is written without waiting for the end of the turn. */
const LONGEST_WAIT_CHARACTERS = 65_536;
const WARN = pino.levels.values['warn'] ?? 0;

/** What pino writes to, told the level of each line. */
type LevelledOutput = DestinationStream & { readonly [pino.symbols.needsMetadataGsym]: true; lastLevel: number };

/**
 * Lines of one turn of the event loop leave in one write: under load, a system call for every line costs more than the line.
 * A warning and all that is worse is written at once, with what came before it. At the end of the process whatever is left
 * is written; but who is killed by SIGKILL takes the `info` lines of one turn along, so nobody may count on those being
 * there for everything that was answered.
 *
 * @param target what writes at once; stdout when left out
 */
export function gatheredOutput(target: DestinationStream = pino.destination({ dest: 1, sync: true })): LevelledOutput {
  let gathered = '';
  const flush = (): void => {
    if (gathered === '') return;
    const text = gathered;
    gathered = '';
    target.write(text);
  };
  process.on('exit', flush);
  const output: LevelledOutput = {
    [pino.symbols.needsMetadataGsym]: true,
    lastLevel: 0,
    write: (line) => {
      if (gathered === '') setImmediate(flush);
      gathered += line;
      if (output.lastLevel >= WARN || gathered.length >= LONGEST_WAIT_CHARACTERS) flush();
    },
  };
  return output;
}
