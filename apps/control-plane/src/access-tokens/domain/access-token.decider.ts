import type { DomainEvent } from '#libs/event-store';
import { ADMINISTRATOR_NAME, CONTROL_PLANE_NAME } from '../../decider/actors.ts';
import { unreachable, type Decider } from '../../decider/decider.ts';
import { conflict, invalidField, notFound } from '../../decider/domain-error.ts';

export type TokenPermission = 'VIEW' | 'MANAGE' | 'DEPLOY' | 'ADMIN';

/** A project under the name it had when the token was made. */
export interface OpenedProject {
  readonly projectId: string;
  readonly name: string;
}

export interface TokenFacts {
  readonly tokenId: string;
  readonly name: string;
  readonly permissions: readonly TokenPermission[];
  readonly projects: 'all' | readonly OpenedProject[];
  /** ISO 8601 in UTC; null: never. */
  readonly expiresAt: string | null;
}

/** Neither the token nor its hash: an event is kept for ever and read by many. */
export type TokenCreated = DomainEvent<'TokenCreated', TokenFacts>;
export type TokenRevoked = DomainEvent<'TokenRevoked', { tokenId: string; name: string }>;
export type AccessTokenEvent = TokenCreated | TokenRevoked;

export type AccessTokenState =
  { readonly status: 'absent' } | { readonly status: 'active'; readonly tokenId: string; readonly name: string };

export type AccessTokenCommand =
  | ({ readonly type: 'CreateToken'; /** ISO 8601 in UTC. */ readonly now: string } & TokenFacts)
  | { readonly type: 'RevokeToken' };

const RESERVED_NAMES: ReadonlyMap<string, string> = new Map([
  [ADMINISTRATOR_NAME, 'is the ADMIN_TOKEN of the settings'],
  [CONTROL_PLANE_NAME, 'stands for the control plane itself in events'],
]);

export const accessTokenStream = (tokenId: string): string => `accessToken-${tokenId}`;

export const accessTokenDecider: Decider<AccessTokenState, AccessTokenCommand, AccessTokenEvent> = {
  initialState: { status: 'absent' },
  snapshotShape: 'accessToken@1',
  evolve(_state, event) {
    switch (event.type) {
      case 'TokenCreated':
        return { status: 'active', tokenId: event.data.tokenId, name: event.data.name };
      case 'TokenRevoked':
        return { status: 'absent' };
      default:
        return unreachable(event);
    }
  },
  decide(command, state) {
    switch (command.type) {
      case 'CreateToken': {
        const { type: _type, now, ...data } = command;
        const reserved = RESERVED_NAMES.get(data.name);
        if (reserved !== undefined) throw conflict(`Token (name: ${data.name}) ${reserved}`);
        // Both are `toISOString()` texts: they sort as the moments they name.
        if (data.expiresAt !== null && data.expiresAt <= now) {
          throw invalidField('expiresAt', 'out_of_range', 'expiresAt must be in the future');
        }
        return [{ type: 'TokenCreated', schemaVersion: 1, data }];
      }
      case 'RevokeToken': {
        if (state.status === 'absent') throw notFound('Token');
        const { tokenId, name } = state;
        return [{ type: 'TokenRevoked', schemaVersion: 1, data: { tokenId, name } }];
      }
      default:
        return unreachable(command);
    }
  },
};
