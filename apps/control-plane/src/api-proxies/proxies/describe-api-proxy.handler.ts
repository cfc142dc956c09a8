import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { deployedEnvironments, type DeployedEnvironment } from '../../deployment-requests/deployed-environments.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { apiProxyDecider, apiProxyStream, requireApiProxy, type ActiveApiProxy } from '../domain/index.ts';
import type { ProxyAddress } from '../proxy-changes.ts';

export interface DescribedApiProxy {
  readonly proxy: ActiveApiProxy;
  readonly deployed: readonly DeployedEnvironment[];
}

/** A proxy as it is now, and where it is deployed. */
export class DescribeApiProxy extends Query<DescribedApiProxy> {
  constructor(readonly address: ProxyAddress) {
    super();
  }
}

@QueryHandler(DescribeApiProxy)
export class DescribeApiProxyHandler implements IQueryHandler<DescribeApiProxy> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ address }: DescribeApiProxy): Promise<DescribedApiProxy> {
    return this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      const { state } = await unit.load(apiProxyDecider, apiProxyStream(proxyId));
      return { proxy: requireApiProxy(state), deployed: await deployedEnvironments(unit, proxyId) };
    });
  }
}
