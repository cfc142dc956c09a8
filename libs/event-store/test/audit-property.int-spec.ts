import fc from 'fast-check';
import { CheckpointWriter, verifyHistory } from '../src/audit/index.ts';
import { type DomainEvent } from '../src/event-store.port.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS, wholeLogReadable } from '../src/testing/index.ts';
import { upcasterKey } from '../src/upcasting.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
});
afterAll(() => database.drop());

/** What jsonb cannot hold is not tried: the store refuses it. */
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((one) => !one.includes('\0'));
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e21, 1e308, 5e-324, 2 ** 53, -(2 ** 53) - 2, 0.1, 1e-7),
  fc.integer(),
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    ...[fc.constant(null), fc.boolean(), number, text],
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(text, tie('json'), { maxKeys: 5 }),
  ),
}));

interface Change {
  readonly streamId: string;
  readonly events: readonly DomainEvent[];
}
const event = fc.record<DomainEvent>({
  type: fc.constantFrom('Counted', 'Named'),
  schemaVersion: fc.constant(1),
  data: json,
});
const changes = fc.array(
  fc.record<Change>({
    streamId: fc.constantFrom('a', 'b', 'c', 'ä/ö'),
    events: fc.array(event, { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 8 },
);
const metadata = fc.record({ actor: text, requestId: text, reason: text });

const upcasters = new Map([
  [
    upcasterKey('Counted', 1),
    (old: { data: unknown }) => ({ ...old, schemaVersion: 2, data: { was: old.data } }) as never,
  ],
]);

async function record(
  log: readonly Change[],
  who: { actor: string; requestId: string; reason: string },
): Promise<void> {
  await database.pool.query('TRUNCATE events, streams, history_checkpoints, history_checkpoint_heads');
  const store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS, { upcasters });
  for (const { streamId, events } of log) {
    const context = { recordedAt: '2026-01-02T03:04:05.678Z', metadata: who };
    await store.transact((session) => session.append({ streamId, expectedVersion: 'any', events }, context));
  }
  await wholeLogReadable(database.pool);
  await new CheckpointWriter(store, TEST_HISTORY_KEYS).take(0);
}

const verify = () => verifyHistory(database.pool, TEST_HISTORY_KEYS, { files: [], faultLimit: 5 });

/** One field of one event, given another value; each changes what was there. */
const TAMPERINGS = [
  `data = CASE WHEN data = '[7]' THEN '[8]' ELSE '[7]' END::jsonb`,
  `data = jsonb_build_object('was', data)`,
  `metadata = metadata || jsonb_build_object('actor', metadata->>'actor' || 'x')`,
  `metadata = metadata || jsonb_build_object('reason', metadata->>'reason' || ' ')`,
  `metadata = metadata - 'requestId'`,
  `metadata = metadata || '{"more": null}'`,
  `type = type || 'x'`,
  'schema_version = schema_version + 1',
  'event_id = gen_random_uuid()',
  `recorded_at = recorded_at - interval '1 millisecond'`,
  `recorded_at = recorded_at + interval '1 microsecond'`,
  'mac = sha256(mac)',
  `mac = set_byte(mac, 31, 255 - get_byte(mac, 31))`,
];

describe('a random log', () => {
  it('is found as it was recorded, whatever its JSON holds and whoever upcasts it', async () => {
    await fc.assert(
      fc.asyncProperty(changes, metadata, async (log, who) => {
        await record(log, who);
        expect(await verify()).toMatchObject({ faultCount: 0, onlyChained: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it('names the one event of which one field was changed', async () => {
    await fc.assert(
      fc.asyncProperty(changes, metadata, fc.constantFrom(...TAMPERINGS), fc.nat(), async (log, who, change, index) => {
        await record(log, who);
        const { rows } = await database.pool.query<{ stream_id: string; version: number; sequence: string }>(
          'SELECT stream_id, version, sequence FROM events ORDER BY sequence',
        );
        const { stream_id: streamId, version, sequence } = rows[index % rows.length]!;
        await database.pool.query(`UPDATE events SET ${change} WHERE sequence = $1`, [sequence]);
        expect(await verify()).toMatchObject({
          faultCount: 1,
          faults: [{ kind: 'changed', event: { streamId, version } }],
        });
      }),
      { numRuns: 100 },
    );
  });
});
