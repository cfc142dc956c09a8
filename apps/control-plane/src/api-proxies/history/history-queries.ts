import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import {
  apiProxyDecider,
  apiProxyStream,
  type ActiveApiProxy,
  proxySteps,
  revisionOf,
  revisionSteps,
  type Page,
} from '../domain/index.ts';
import type { ProxyAddress } from '../proxy-changes.ts';
import { changesBetween, type Change } from './changes-between.ts';
import {
  contentView,
  proxyEventViews,
  revisionView,
  type ProxyEventView,
  type RevisionView,
} from './proxy-event-view.ts';

/** What happened to a proxy, oldest first, from after a sequence number. */
export class ListProxyEvents extends Query<ProxyEventView[]> {
  constructor(
    readonly address: ProxyAddress,
    readonly page: Page,
  ) {
    super();
  }
}

/** The revisions of a proxy, oldest first, from after one of them. */
export class ListRevisions extends Query<RevisionView[]> {
  constructor(
    readonly address: ProxyAddress,
    readonly page: Page,
  ) {
    super();
  }
}

export class GetRevision extends Query<ActiveApiProxy> {
  constructor(
    readonly address: ProxyAddress,
    readonly revision: number,
  ) {
    super();
  }
}

/** What differs between two revisions. */
export class CompareRevisions extends Query<Change[]> {
  constructor(
    readonly address: ProxyAddress,
    /** 0: before the creation; left out: the revision before `to`. */
    readonly from: number | undefined,
    /** Left out: the newest. */
    readonly to: number | undefined,
  ) {
    super();
  }
}

@QueryHandler(ListProxyEvents)
export class ListProxyEventsHandler implements IQueryHandler<ListProxyEvents> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ address, page }: ListProxyEvents): Promise<ProxyEventView[]> {
    const steps = await this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      return proxySteps(unit.streams, proxyId, page);
    });
    return proxyEventViews(steps);
  }
}

@QueryHandler(ListRevisions)
export class ListRevisionsHandler implements IQueryHandler<ListRevisions> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ address, page }: ListRevisions): Promise<RevisionView[]> {
    const steps = await this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      return revisionSteps(unit.streams, proxyId, page);
    });
    return steps.map(revisionView);
  }
}

@QueryHandler(GetRevision)
export class GetRevisionHandler implements IQueryHandler<GetRevision> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ address, revision }: GetRevision): Promise<ActiveApiProxy> {
    return this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      return revisionOf(unit, proxyId, revision);
    });
  }
}

@QueryHandler(CompareRevisions)
export class CompareRevisionsHandler implements IQueryHandler<CompareRevisions> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ address, ...query }: CompareRevisions): Promise<Change[]> {
    const [before, after] = await this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      const newest = await unit.peek(apiProxyDecider, apiProxyStream(proxyId));
      const { to = newest.status === 'active' ? newest.revision : 0, from = to - 1 } = query;
      const contentAt = async (revision: number) =>
        revision === 0 ? {} : contentView(await revisionOf(unit, proxyId, revision));
      // The one that was asked for first, so that it is the one a refusal names.
      const after = await contentAt(to);
      return [await contentAt(from), after];
    });
    return changesBetween(before, after);
  }
}
