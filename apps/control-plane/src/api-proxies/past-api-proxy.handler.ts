import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { notFound } from '../decider/domain-error.ts';
import { readBody } from '../http/bodies/request-bodies.ts';
import { resolveApiProxy } from '../persistence/project-scope.ts';
import { UnitOfWork } from '../persistence/unit-of-work.ts';
import { type ActiveApiProxy, proxyAtTime } from './domain/index.ts';
import type { ProxyAddress } from './proxy-changes.ts';

const QUERY = z.strictObject({
  at: z
    .string()
    // A query reads an unescaped plus as a blank.
    .transform((text) => text.replace(/ (?=\d\d:\d\d$)/, '+'))
    .pipe(z.iso.datetime({ offset: true, error: 'must be an ISO 8601 date and time, like 2026-03-01T12:00:00Z' }))
    .transform((text) => new Date(text).toISOString()),
});

/**
 * `GET X/?at=<ISO time>`: the proxy as it was at that moment; a moment to come shows it as it is.
 *
 * @throws DomainError VALIDATION_FAILED when `at` is not a time, NOT_FOUND before the creation
 */
export class GetPastApiProxy extends Query<ActiveApiProxy> {
  constructor(
    readonly address: ProxyAddress,
    /** As it came in the query. */
    readonly query: unknown,
  ) {
    super();
  }
}

@QueryHandler(GetPastApiProxy)
export class GetPastApiProxyHandler implements IQueryHandler<GetPastApiProxy> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ address, query }: GetPastApiProxy): Promise<ActiveApiProxy> {
    const { at } = readBody(QUERY, query);
    return this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      const state = await proxyAtTime(unit.streams, proxyId, at);
      if (state.status === 'absent') throw notFound(`ApiProxy (name: ${address.apiProxyName}) at ${at}`);
      return state;
    });
  }
}
