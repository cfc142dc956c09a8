import { HistoryKeys } from '../history-keys.ts';

/** For tests that do not care under which key history is authenticated. */
export const TEST_HISTORY_KEYS = HistoryKeys.derivedFrom(Buffer.alloc(32, 7));
