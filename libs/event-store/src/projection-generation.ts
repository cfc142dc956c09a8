import { type HeldConnection } from './held-connection.ts';
import { type PostgresTransaction } from './postgres-session.ts';

interface LiveTable {
  /** Both quoted where they must be. */
  readonly live: string;
  readonly rebuilt: string;
}

/**
 * Tables of a read model made anew beside the live ones, as temporary tables of one connection. There they hide the live
 * ones of the same names, so that a projection fills them without knowing; they vanish with the connection, however it
 * ends; and nobody else sees them.
 */
export class ProjectionGeneration {
  private constructor(private readonly tables: readonly LiveTable[]) {}

  /** @throws Error when one of the tables does not exist */
  static async begin(connection: HeldConnection, names: readonly string[]): Promise<ProjectionGeneration> {
    const tables: LiveTable[] = [];
    for (const name of names) {
      const table = await findTable(connection, name);
      await connection.query(`CREATE TEMPORARY TABLE ${table.rebuilt} (LIKE ${table.live} INCLUDING ALL)`);
      tables.push(table);
    }
    return new ProjectionGeneration(tables);
  }

  /** So that {@link replaceLive} is planned for what the tables hold. */
  async analyze(connection: HeldConnection): Promise<void> {
    for (const { rebuilt } of this.tables) await connection.query(`ANALYZE ${rebuilt}`);
  }

  /**
   * Gives the live tables the rows of the new ones. Rows and not tables are exchanged, and only those that differ: whoever
   * reads goes on and sees either all of the old rows or all of the new ones. A table put in the place of another would
   * make readers wait for each other, and would look empty to a transaction that began before; it would need its indexes
   * and grants renamed, and statements prepared for the old one planned again.
   */
  async replaceLive(transaction: PostgresTransaction): Promise<void> {
    for (const { live, rebuilt } of this.tables) {
      await transaction.query(
        `DELETE FROM ${live} AS old WHERE NOT EXISTS (SELECT FROM ${rebuilt} AS new WHERE new.* = old.*)`,
      );
      await transaction.query(
        `INSERT INTO ${live} SELECT new.* FROM ${rebuilt} AS new
         WHERE NOT EXISTS (SELECT FROM ${live} AS old WHERE old.* = new.*)`,
      );
    }
  }
}

async function findTable(connection: HeldConnection, name: string): Promise<LiveTable> {
  const { rows } = await connection.query<LiveTable>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS live, format('pg_temp.%I', c.relname) AS rebuilt
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [name],
  );
  if (rows[0] === undefined) throw new Error(`there is no table ${name}`);
  return rows[0];
}
