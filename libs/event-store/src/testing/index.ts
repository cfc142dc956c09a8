export { TEST_HISTORY_KEYS } from './history-keys.ts';
export { describeEventStore, type EventStoreFactory } from './describe-event-store.ts';
export { freshDatabase, type FreshDatabase } from './fresh-database.ts';
export { gate, type Gate } from './gate.ts';
export { Tally, type TallyRow } from './tally.ts';
export { readUntil } from './read-until.ts';
export { wholeLogReadable } from './whole-log-readable.ts';
