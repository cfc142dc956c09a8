import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '#libs/canonical-json';
import { upcast, upcasterKey, type DomainEvent } from '#libs/event-store';
import { UPCASTERS } from '../src/slices.ts';
import { misfitsIn, unseenIn } from './testing/event-shapes.ts';
import { makeEveryEvent } from './testing/every-event.ts';
import { asRecorded, readFrozenEvents, statesOf } from './testing/frozen-events.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const { streams, shapes } = readFrozenEvents();
const keyOf = ({ type, schemaVersion }: DomainEvent): string => upcasterKey(type, schemaVersion);
const broughtUp = (events: readonly DomainEvent[]) =>
  events.map((event, index) => upcast(asRecorded(event, index), UPCASTERS));

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));
const sourceTexts = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.includes('testing'))
  .map((file) => readFileSync(path.join(SOURCE, file), 'utf8'));
const found = (pattern: RegExp): RegExpMatchArray[] => sourceTexts.flatMap((text) => [...text.matchAll(pattern)]);

/** What is declared as an event, and what is made by today's code, with its version. */
const declared = new Set(found(/DomainEvent<\s*'(\w+)'/g).map(([, type = '']) => type));
const made = new Set(
  found(/type: '(\w+)',\s*schemaVersion: (\d+)/g).map(([, type = '', version]) => upcasterKey(type, Number(version))),
);

const NEW_SHAPE =
  'an event that is recorded is never changed: give the new shape the next schemaVersion and an upcaster from the old one, ' +
  'add a stream with an event of the new version to test/frozen/events.json, keep the old ones, and renew the shape there';

describe('an event that was once recorded', () => {
  it.each(streams.map((stream, index) => [index, stream.kind, stream] as const))(
    'is read today as it was when it was frozen (stream %d, %s)',
    (_index, _kind, { kind, events, states }) => {
      const newest = broughtUp(events);
      expect(newest.filter((event) => !made.has(keyOf(event))).map(keyOf)).toEqual([]);
      expect(statesOf(kind, newest)).toEqual(states);
      for (const { type, data } of newest) expect([type, misfitsIn(data, shapes[type] ?? {})]).toEqual([type, []]);
    },
  );

  it('is there of every type at every version that exists', () => {
    const frozen = new Set(streams.flatMap(({ events }) => events.map(keyOf)));
    expect(new Set([...made].map((key) => key.split('@')[0]))).toEqual(declared);
    expect([...frozen].sort()).toEqual([...new Set([...made, ...UPCASTERS.keys()])].sort());
    expect(Object.keys(shapes).sort()).toEqual([...declared].sort());
  });

  it('of the first version lacked what its upcaster adds', () => {
    const old = streams.flatMap(({ events }) => events).filter((event) => UPCASTERS.has(keyOf(event)));
    expect(new Set(old.map(keyOf))).toEqual(new Set(UPCASTERS.keys()));
    for (const { type, data } of old) expect(misfitsIn(data, shapes[type] ?? {})).not.toEqual([]);
  });
});

/** How the names of events end: something has happened. */
const HAPPENED =
  /(Created|Updated|Changed|Deleted|Added|Revoked|Rotated|Generated|Granted|Requested|Succeeded|Failed|Superseded|Restarted|Started|Overtaken|Shortened|Stopped|Finished|Back|Flushed|Denied|Allowed|Published|Switched|Acknowledged|Cancelled|Paused|Resumed|Forced)$/;

describe('everything that a control plane records today', () => {
  interface Row {
    readonly type: string;
    readonly schema_version: number;
    readonly metadata: object;
    readonly data: object;
  }
  let plane: RunningControlPlane;
  let secrets: string[];
  let rows: readonly Row[];

  beforeAll(async () => {
    plane = await RunningControlPlane.start({ deployTimeoutMs: 500 });
    secrets = [...(await makeEveryEvent(plane)), plane.adminToken, plane.masterKey.toString('base64')];
    rows = (await plane.pool.query<Row>('select type, schema_version, metadata, data from events')).rows;
  }, 120_000);
  afterAll(() => plane.close());

  it('is of every type that there is, at its newest version', () => {
    const recorded = new Set(rows.map((row) => upcasterKey(row.type, row.schema_version)));
    expect([...recorded].sort()).toEqual([...made].sort());
  });

  it('has the shape that is frozen', () => {
    const misfits = rows.flatMap(({ type, data }) =>
      misfitsIn(data, shapes[type] ?? {}).map((what) => `${type}: ${what}`),
    );
    if (misfits.length > 0) throw new Error(`${[...new Set(misfits)].join('; ')}. ${NEW_SHAPE}`);
  });

  it('has each member that may be left out at least once', () => {
    const unseen = Object.entries(shapes).flatMap(([type, shape]) => {
      const samples = rows.filter((row) => row.type === type).map(({ data }) => data);
      return unseenIn(samples, shape).map((path) => `${type}: ${path}`);
    });
    expect(unseen).toEqual([]);
  });

  it('has happened, says who did it by which request, and names secrets by reference only', () => {
    for (const { type, metadata, data } of rows) {
      expect(type).toMatch(HAPPENED);
      const something = expect.stringMatching(/./) as string;
      expect(metadata).toMatchObject({ actor: something, requestId: something });
      expect(referencesIn(data).filter((members) => members !== 'fingerprint,secretId')).toEqual([]);
    }
  });

  it('holds no secret', () => {
    const stored = canonicalJson(rows);
    expect(secrets.length).toBeGreaterThan(9);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(16);
      expect(stored).not.toContain(secret);
    }
  });
});

/** Members of whatever names a secret; of a variable's value also what kind of value it is. */
function referencesIn(data: unknown): string[] {
  if (typeof data !== 'object' || data === null) return [];
  const inside = Object.values(data).flatMap(referencesIn);
  if (!('secretId' in data)) return inside;
  const names = Object.keys(data).filter((name) => name !== 'kind');
  return [...inside, names.sort().join(',')];
}
