import { readFileSync } from 'node:fs';
import path from 'node:path';
import Sequencer from '@jest/test-sequencer';

const WEIGHTS = JSON.parse(readFileSync(new URL('./heaviest-files.json', import.meta.url), 'utf8'));

/**
 * Puts the files that take longest at the beginning, so that a run does not end with one long file on one core. A clean
 * checkout has no durations of earlier runs, hence the list; what is not on it keeps the order that Jest gives it.
 */
export default class HeaviestFirst extends Sequencer {
  sort(tests) {
    const seconds = ({ path: file, context }) => {
      const name = path.relative(context.config.rootDir, file).split(path.sep).join('/');
      return WEIGHTS[name] ?? 0;
    };
    return [...super.sort(tests)].sort((a, b) => seconds(b) - seconds(a));
  }
}
