import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { notFound } from '../../decider/domain-error.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork, type Unit } from '../../persistence/unit-of-work.ts';
import {
  apiProxyStream,
  stateAtRevision,
  stepsOf,
  type ActiveApiProxy,
  type ApiProxyEvent,
  type ProxyStep,
} from '../domain/index.ts';
import type { ProxyAddress } from '../proxy-changes.ts';
import { changesBetween, type Change } from './changes-between.ts';
import {
  contentView,
  isRevision,
  proxyEventViews,
  revisionView,
  type ProxyEventView,
  type RevisionView,
} from './proxy-event-view.ts';

/** What comes after a number, at most so many. */
export interface Page {
  readonly after: number;
  readonly limit: number;
}

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

/** @throws DomainError NOT_FOUND */
async function stepsAt(unit: Unit, address: ProxyAddress): Promise<ProxyStep[]> {
  const { proxyId } = await resolveApiProxy(unit, address);
  return stepsOf(await unit.events(apiProxyStream(proxyId)));
}

/** @throws DomainError NOT_FOUND when the proxy never had it */
export function requireRevisionIn(steps: readonly ProxyStep[], revision: number): ActiveApiProxy {
  const events: ApiProxyEvent[] = steps.map(({ event }) => event);
  const state = stateAtRevision(events, revision);
  if (state.status === 'absent') throw notFound(`Revision ${revision} of the ApiProxy`);
  return state;
}

@QueryHandler(ListProxyEvents)
export class ListProxyEventsHandler implements IQueryHandler<ListProxyEvents> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ address, page }: ListProxyEvents): Promise<ProxyEventView[]> {
    const steps = await this.units.read((unit) => stepsAt(unit, address));
    const shown = steps.filter(({ recorded }) => recorded.streamVersion > page.after).slice(0, page.limit);
    return proxyEventViews(shown);
  }
}

@QueryHandler(ListRevisions)
export class ListRevisionsHandler implements IQueryHandler<ListRevisions> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ address, page }: ListRevisions): Promise<RevisionView[]> {
    const steps = await this.units.read((unit) => stepsAt(unit, address));
    const revisions = steps.filter(isRevision).map(revisionView);
    return revisions.filter(({ revision }) => revision > page.after).slice(0, page.limit);
  }
}

@QueryHandler(GetRevision)
export class GetRevisionHandler implements IQueryHandler<GetRevision> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ address, revision }: GetRevision): Promise<ActiveApiProxy> {
    return requireRevisionIn(await this.units.read((unit) => stepsAt(unit, address)), revision);
  }
}

@QueryHandler(CompareRevisions)
export class CompareRevisionsHandler implements IQueryHandler<CompareRevisions> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ address, ...query }: CompareRevisions): Promise<Change[]> {
    const steps = await this.units.read((unit) => stepsAt(unit, address));
    const newest = steps.findLast(isRevision)?.after;
    const { to = newest?.status === 'active' ? newest.revision : 0, from = to - 1 } = query;
    const contentAt = (revision: number) => (revision === 0 ? {} : contentView(requireRevisionIn(steps, revision)));
    return changesBetween(contentAt(from), contentAt(to));
  }
}
