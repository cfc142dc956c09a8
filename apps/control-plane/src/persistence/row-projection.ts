import type { DomainEvent, PostgresTransaction, Projection, RecordedEvent } from '#libs/event-store';

/** Types of columns whose values come back from the database as they went in; a `bigint` is a safe integer (ECMA-262 21.1.2.6). */
export type ColumnType = 'text' | 'integer' | 'bigint' | 'boolean' | 'jsonb' | 'timestamptz';

/** What an event makes of a row: a pure function. `undefined` stands for no row, before or after. */
export type Evolve<Row, Event extends DomainEvent> = (
  row: Row | undefined,
  event: RecordedEvent<Event>,
) => Row | undefined;

export interface RowProjection<Row extends object, Event extends DomainEvent> {
  /** Stable: see {@link Projection}. */
  readonly name: string;
  readonly table: string;
  /** The column that is the primary key: text. */
  readonly key: keyof Row & string;
  /**
   * All columns of the table, as members of `Row` have the same names. A `timestamptz` is an ISO 8601 string, with any
   * offset when it comes from the database.
   */
  readonly columns: Readonly<Record<keyof Row & string, ColumnType>>;
  /** Which row an event is about. */
  readonly keyOf: (event: RecordedEvent<Event>) => string;
  readonly evolve: { readonly [Type in Event['type']]?: Evolve<Row, Extract<Event, { type: Type }>> };
}

/** For events that come after the row was made: without a row they do nothing. */
export const whenThere =
  <Row, Event extends DomainEvent>(
    evolve: (row: Row, event: RecordedEvent<Event>) => Row | undefined,
  ): Evolve<Row, Event> =>
  (row, event) =>
    row === undefined ? undefined : evolve(row, event);

/** For the event that ends a row. */
export const withoutRow = (): undefined => undefined;

/**
 * A projection into one table, said as what each event makes of the one row it is about. A batch costs three statements
 * at most, however many events it has: the rows it touches are read, brought on in memory, and written.
 */
export function rowProjection<Row extends object, Event extends DomainEvent>(
  definition: RowProjection<Row, Event>,
): Projection<PostgresTransaction> {
  const { name, table, key } = definition;
  const handlers = new Map(Object.entries(definition.evolve)) as ReadonlyMap<string, Evolve<Row, Event>>;
  const statements = statementsFor(definition);
  return {
    name,
    tables: [table],
    eventTypes: new Set(handlers.keys()),
    apply: async (transaction, events) => {
      const told = events as readonly RecordedEvent<Event>[];
      const keys = [...new Set(told.map(definition.keyOf))];
      const before = await readRows<Row>(transaction, statements.read, key, keys);
      const after = new Map(before);
      for (const event of told) setRow(after, definition.keyOf(event), handlers.get(event.type)!, event);
      const written = [...after].filter(([at, row]) => row !== before.get(at)).map(([, row]) => row);
      if (written.length > 0) await transaction.query(statements.write, [JSON.stringify(written)]);
      const gone = [...before.keys()].filter((at) => !after.has(at));
      if (gone.length > 0) await transaction.query(statements.remove, [gone]);
    },
  };
}

function setRow<Row, Event extends DomainEvent>(
  rows: Map<string, Row>,
  at: string,
  evolve: Evolve<Row, Event>,
  event: RecordedEvent<Event>,
): void {
  const row = evolve(rows.get(at), event);
  if (row === undefined) rows.delete(at);
  else rows.set(at, row);
}

async function readRows<Row extends object>(
  transaction: PostgresTransaction,
  statement: string,
  key: keyof Row & string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Row>> {
  const { rows } = await transaction.query<{ row: Row }>(statement, [keys]);
  return new Map(rows.map(({ row }) => [row[key] as string, row]));
}

/** As JSON both ways: what is read is what was written, whatever the type of the column. */
function statementsFor<Row extends object, Event extends DomainEvent>(definition: RowProjection<Row, Event>) {
  const { table, key } = definition;
  const columns = Object.entries<ColumnType>(definition.columns);
  const names = columns.map(([name]) => name);
  const others = names.filter((name) => name !== key);
  return {
    read: `select to_jsonb(${table}) as row from ${table} where ${key} = any($1::text[])`,
    write: `insert into ${table} (${names.join(', ')})
      select ${names.join(', ')} from jsonb_to_recordset($1::jsonb) as made (${columns.map((each) => each.join(' ')).join(', ')})
      on conflict (${key}) do update set ${others.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    remove: `delete from ${table} where ${key} = any($1::text[])`,
  };
}
