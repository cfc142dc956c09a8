import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { EVENT_STORE, readCheckpoints, type PostgresEventStore } from '#libs/event-store';
import { wholeNumber, withDefault } from '#libs/policy-contracts';
import { ApiCall } from '../http/api-call.ts';
import { readBody } from '../http/bodies/request-bodies.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { LIST_CHECKPOINTS } from './audit.api.ts';

const numberText = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, { error: 'must be a whole number' })
    .transform(Number)
    .pipe(wholeNumber(minimum, maximum));

/** Numbers of checkpoints are 32-bit integers. A checkpoint may list thousands of streams. */
const PAGE = z.strictObject({
  after: withDefault(numberText(0, 2_147_483_647), 0),
  limit: withDefault(numberText(1, 100), 20),
});

@Controller('apiops/audit')
export class AuditController {
  constructor(@Inject(EVENT_STORE) private readonly store: PostgresEventStore) {}

  @Get('checkpoints')
  @ApiCall(LIST_CHECKPOINTS)
  async checkpoints(@Query() query: unknown): Promise<SuccessEnvelope> {
    const { after, limit } = readBody(PAGE, query);
    const results = await readCheckpoints((text, values) => this.store.query(text, values), after, limit);
    return success({ results });
  }
}
