import type { Unit } from '../../persistence/unit-of-work.ts';

/** What of a proxy's content has become more: how many there are after the change. */
export interface Grown {
  readonly policies?: number;
  readonly endpoints?: number;
}

/** Keeps what a project holds within its limits: its own, or those that the settings give to every project. */
export interface RoomInProject {
  /**
   * Within a change that puts one more thing into a project, before it takes a name there. Whoever else does the same
   * waits until this change is recorded, or is not: two never see the same last place.
   *
   * @throws DomainError CONFLICT when there is no room
   */
  forOneMore(unit: Unit, projectId: string, what: 'proxies' | 'credentials' | 'keyStores' | 'variables'): Promise<void>;

  /**
   * Within what may bring one more revocation into the ledgers of environments, sooner or later: a name that tokens will bear
   * is taken, a login is ended. Passwords and secrets can be changed, and things deleted, at any time.
   *
   * @throws DomainError CONFLICT when there is no room
   */
  forRevocations(unit: Unit, projectId: string): Promise<void>;

  /**
   * Within a change of a proxy, which is held.
   *
   * @throws DomainError CONFLICT
   */
  inProxy(unit: Unit, projectId: string, grown: Grown): Promise<void>;
}

export const ROOM_IN_PROJECT = Symbol('ROOM_IN_PROJECT');
