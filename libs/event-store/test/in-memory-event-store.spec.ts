import { InMemoryEventStore } from '../src/in-memory-event-store.ts';
import { describeEventStore } from '../src/testing/index.ts';

describeEventStore('InMemoryEventStore', async (options) => new InMemoryEventStore(options));
