import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import type { TokenRevocation } from '#libs/token-revocations';
import { DATABASE } from '../../injection-tokens.ts';
import { ReadModels } from '../../persistence/read-models.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { revocationView, type RevocationView } from './revocation-view.ts';
import { revocationsProjection } from './revocations.projection.ts';

/** So many are told, the newest. */
export const REVOCATIONS_SHOWN = 1_000;

export interface ListedRevocation extends RevocationView {
  /** Of the last order: ISO 8601. */
  readonly at: string;
  readonly actor: string;
  readonly reason: string | null;
  /** Whether the environment's Redis was told. */
  readonly isTold: boolean;
}

export class ListRevocations extends Query<ListedRevocation[]> {
  constructor(readonly environmentName: string) {
    super();
  }
}

type Row = TokenRevocation & { at: Date; actor: string; reason: string | null; isTold: boolean };

const SELECT = `select listed.revoked_by as by, listed.value, listed.issued_until_seconds::float8 as "issuedUntilSeconds",
    listed.ends_at_ms::float8 as "endsAtMs", listed.at, listed.actor, listed.reason,
    not exists (select 1 from token_revocations known where known.environment_id = listed.environment_id
      and known.revoked_by = listed.revoked_by and known.value = listed.value and known.told_sequence is null) as "isTold"
  from read_token_revocations listed
  where listed.environment_id = $1 and (listed.ends_at_ms is null or listed.ends_at_ms > $2)
  order by listed.at desc, listed.revoked_by, listed.value limit ${REVOCATIONS_SHOWN}`;

/** Those that still mean a token, newest first. */
@QueryHandler(ListRevocations)
export class ListRevocationsHandler implements IQueryHandler<ListRevocations> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ environmentName }: ListRevocations): Promise<ListedRevocation[]> {
    const environmentId = await this.units.read((unit) => unit.names.resolve('environment', '', environmentName));
    await this.readModels.upToDate(revocationsProjection);
    const { rows } = await this.database.query<Row>(SELECT, [environmentId, Date.now()]);
    return rows.map(({ at, actor, reason, isTold, ...revocation }) => ({
      ...revocationView(revocation),
      ...{ at: at.toISOString(), actor, reason, isTold },
    }));
  }
}
