import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { apiProxyDecider, apiProxyStream, requireApiProxy, type ActiveApiProxy } from '../domain/index.ts';
import type { ProxyAddress } from '../proxy-changes.ts';

/** A proxy as it is now. */
export class GetApiProxy extends Query<ActiveApiProxy> {
  constructor(readonly address: ProxyAddress) {
    super();
  }
}

@QueryHandler(GetApiProxy)
export class GetApiProxyHandler implements IQueryHandler<GetApiProxy> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ address }: GetApiProxy): Promise<ActiveApiProxy> {
    return this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      return requireApiProxy((await unit.load(apiProxyDecider, apiProxyStream(proxyId))).state);
    });
  }
}
