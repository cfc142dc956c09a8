import type { DomainEvent } from '#libs/event-store';
import { NO_KEY_SET_ORDERS, type KeySetOrders } from '#libs/policy-contracts';
import { unreachable, type Decider } from '../../decider/decider.ts';
import { conflict, notFound } from '../../decider/domain-error.ts';
import type { SecretReference } from '../../decider/secret-reference.ts';
import { decideOnKeySets, ordersAfter, type KeySetCommand, type KeySetEvent } from './key-set-orders.ts';

export type ExpiresInUnit = 'SECONDS' | 'MILLISECONDS';

export type EnvironmentCreated = DomainEvent<
  'EnvironmentCreated',
  {
    environmentId: string;
    name: string;
    description: string;
    tokenIssuer: string;
    expiresInUnit: ExpiresInUnit;
    /** null: the control plane's own Redis. */
    redisUrl: SecretReference | null;
    rootKey: SecretReference;
  }
>;
/** The entry is the root key wrapped under the gateway key, which is kept nowhere. */
export type GatewayKeyAdded = DomainEvent<'GatewayKeyAdded', { keyId: string; entry: SecretReference }>;
export type GatewayKeyRevoked = DomainEvent<'GatewayKeyRevoked', { keyId: string }>;
export type SigningKeyGenerated = DomainEvent<
  'SigningKeyGenerated',
  { algorithm: string; keyId: string; jwk: SecretReference }
>;
/** What may change; the name and the root key stay. */
export interface EnvironmentSettings {
  readonly description: string;
  readonly tokenIssuer: string;
  readonly expiresInUnit: ExpiresInUnit;
  readonly redisUrl: SecretReference | null;
}
export type EnvironmentUpdated = DomainEvent<'EnvironmentUpdated', { environmentId: string } & EnvironmentSettings>;
export type EnvironmentDeleted = DomainEvent<'EnvironmentDeleted', { environmentId: string }>;
export type EnvironmentEvent =
  | EnvironmentCreated
  | EnvironmentUpdated
  | EnvironmentDeleted
  | GatewayKeyAdded
  | GatewayKeyRevoked
  | SigningKeyGenerated
  | KeySetEvent;

export interface SigningKeyState {
  readonly keyId: string;
  readonly jwk: SecretReference;
}

export interface ActiveEnvironment extends EnvironmentSettings {
  readonly status: 'active';
  readonly environmentId: string;
  readonly name: string;
  readonly rootKey: SecretReference;
  readonly gatewayKeys: Readonly<Record<string, SecretReference>>;
  readonly revokedKeyIds: readonly string[];
  readonly signingKeys: Readonly<Record<string, SigningKeyState>>;
  readonly keySetOrders: KeySetOrders;
}
export type EnvironmentState = { readonly status: 'absent' } | ActiveEnvironment;

export type EnvironmentCommand =
  | ({ readonly type: 'CreateEnvironment' } & EnvironmentCreated['data'] & {
        readonly firstKey: GatewayKeyAdded['data'];
      })
  | ({ readonly type: 'UpdateEnvironment' } & EnvironmentSettings)
  | { readonly type: 'DeleteEnvironment' }
  | ({ readonly type: 'AddGatewayKey' } & GatewayKeyAdded['data'])
  | { readonly type: 'RevokeGatewayKey'; readonly keyId: string }
  | ({ readonly type: 'GenerateSigningKey' } & SigningKeyGenerated['data'])
  | KeySetCommand;

export const environmentStream = (environmentId: string): string => `environment-${environmentId}`;

/** @throws DomainError NOT_FOUND */
export function requireEnvironment(state: EnvironmentState): ActiveEnvironment {
  if (state.status === 'absent') throw notFound('Environment');
  return state;
}

const without = <Value>(record: Readonly<Record<string, Value>>, key: string): Record<string, Value> =>
  Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));

function evolve(state: EnvironmentState, event: EnvironmentEvent): EnvironmentState {
  if (event.type === 'EnvironmentCreated') {
    const keys = { gatewayKeys: {}, revokedKeyIds: [], signingKeys: {} };
    return { status: 'active', ...event.data, ...keys, keySetOrders: NO_KEY_SET_ORDERS };
  }
  if (state.status === 'absent') return state;
  switch (event.type) {
    case 'EnvironmentUpdated':
      return { ...state, ...event.data };
    case 'EnvironmentDeleted':
      return { status: 'absent' };
    case 'GatewayKeyAdded':
      return { ...state, gatewayKeys: { ...state.gatewayKeys, [event.data.keyId]: event.data.entry } };
    case 'GatewayKeyRevoked':
      return {
        ...state,
        gatewayKeys: without(state.gatewayKeys, event.data.keyId),
        revokedKeyIds: [...state.revokedKeyIds, event.data.keyId],
      };
    case 'SigningKeyGenerated': {
      const { algorithm, keyId, jwk } = event.data;
      return { ...state, signingKeys: { ...state.signingKeys, [algorithm]: { keyId, jwk } } };
    }
    case 'KeySetsFlushed':
    case 'KeyIdDenied':
    case 'KeyIdAllowed':
      return { ...state, keySetOrders: ordersAfter(state.keySetOrders, event) };
    default:
      return unreachable(event);
  }
}

/** @throws DomainError NOT_FOUND, or CONFLICT when it is the last one */
function requireRevocable({ gatewayKeys }: ActiveEnvironment, keyId: string): void {
  if (!Object.hasOwn(gatewayKeys, keyId)) throw notFound(`Gateway key (id: ${keyId})`);
  if (Object.keys(gatewayKeys).length === 1) throw conflict('the last gateway key of an environment cannot be revoked');
}

function decide(command: EnvironmentCommand, state: EnvironmentState): readonly EnvironmentEvent[] {
  switch (command.type) {
    case 'CreateEnvironment': {
      const { type: _type, firstKey, ...data } = command;
      return [
        { type: 'EnvironmentCreated', schemaVersion: 1, data },
        { type: 'GatewayKeyAdded', schemaVersion: 1, data: firstKey },
      ];
    }
    case 'UpdateEnvironment': {
      const { environmentId } = requireEnvironment(state);
      const { description, tokenIssuer, expiresInUnit, redisUrl } = command;
      const data = { environmentId, description, tokenIssuer, expiresInUnit, redisUrl };
      return [{ type: 'EnvironmentUpdated', schemaVersion: 1, data }];
    }
    case 'DeleteEnvironment': {
      const { environmentId } = requireEnvironment(state);
      return [{ type: 'EnvironmentDeleted', schemaVersion: 1, data: { environmentId } }];
    }
    case 'AddGatewayKey': {
      requireEnvironment(state);
      const { keyId, entry } = command;
      return [{ type: 'GatewayKeyAdded', schemaVersion: 1, data: { keyId, entry } }];
    }
    case 'RevokeGatewayKey': {
      requireRevocable(requireEnvironment(state), command.keyId);
      return [{ type: 'GatewayKeyRevoked', schemaVersion: 1, data: { keyId: command.keyId } }];
    }
    case 'GenerateSigningKey': {
      const { signingKeys } = requireEnvironment(state);
      if (Object.hasOwn(signingKeys, command.algorithm)) return [];
      const { algorithm, keyId, jwk } = command;
      return [{ type: 'SigningKeyGenerated', schemaVersion: 1, data: { algorithm, keyId, jwk } }];
    }
    case 'FlushKeySets':
    case 'DenyKeyId':
    case 'AllowKeyId':
      return decideOnKeySets(command, requireEnvironment(state));
    default:
      return unreachable(command);
  }
}

export const environmentDecider: Decider<EnvironmentState, EnvironmentCommand, EnvironmentEvent> = {
  initialState: { status: 'absent' },
  snapshotShape: 'environment@2',
  evolve,
  decide,
};
