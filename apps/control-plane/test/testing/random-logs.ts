import fc from 'fast-check';
import type { DomainEvent } from '#libs/event-store';
import { fold, type Decider } from '../../src/decider/decider.ts';
import { histories } from '../../src/api-proxies/testing/random-history.ts';
import { apiProxyDecider } from '../../src/api-proxies/domain/api-proxy.decider.ts';
import { credentialDecider, type CredentialCommand } from '../../src/credentials/domain/credential.decider.ts';
import { environmentDecider, type EnvironmentCommand } from '../../src/environments/domain/environment.decider.ts';
import { projectDecider, type ProjectCommand } from '../../src/projects/domain/project.decider.ts';

/** One aggregate's whole life, and the row that a list of such aggregates has to show in the end. */
export interface Life {
  readonly streamId: string;
  readonly events: readonly DomainEvent[];
  readonly table:
    | 'read_projects'
    | 'read_environments'
    | 'read_key_set_orders'
    | 'read_token_revocations'
    | 'read_credentials'
    | 'read_login_lives'
    | 'read_api_proxies';
  /** undefined: it is no more. */
  readonly row: Readonly<Record<string, unknown>> | undefined;
}

/** What read models say of an event that the tests record. */
const BY_ADA = { at: '2026-01-02T03:04:05.678Z', actor: 'ada', reason: null };
const SECRET = { secretId: 's', fingerprint: 'f' };

/** The events of the commands that are not refused. */
function lived<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  commands: readonly Command[],
): { readonly events: readonly Event[]; readonly state: State } {
  const events: Event[] = [];
  for (const command of commands) {
    try {
      events.push(...decider.decide(command, fold(decider, events)));
    } catch {
      continue;
    }
  }
  return { events, state: fold(decider, events) };
}

const text = fc.string({ unit: fc.constantFrom('a', 'ü', '"', '\\', '😀', "'", '$1', ' '), maxLength: 6 });
const proxyId = fc.constantFrom('p1', 'p2', 'p3');
const expiresAt = fc.constantFrom(null, '2030-01-01T00:00:00.000Z', '2031-05-06T07:08:09.123Z');

const projects = fc.record({ id: fc.uuid(), description: text, isDeleted: fc.boolean() }).map((given): Life => {
  const { id, description, isDeleted } = given;
  const commands: ProjectCommand[] = [
    { type: 'CreateProject', projectId: id, name: `project ${id}`, description },
    { type: 'ChangeDeployStrategy', strategy: null },
    ...(isDeleted ? [{ type: 'DeleteProject' } as const] : []),
  ];
  const { events, state } = lived(projectDecider, commands);
  const row = state.status === 'absent' ? undefined : { project_id: id, name: state.name, description };
  return { streamId: `project-${id}`, events, table: 'read_projects', row };
});

const environmentSettings = fc.record({
  ...{ description: text, tokenIssuer: text, expiresInUnit: fc.constantFrom('SECONDS' as const, 'MILLISECONDS') },
  redisUrl: fc.constantFrom(null, SECRET),
});

const environments = fc
  .record({
    ...{ id: fc.uuid(), created: environmentSettings, isDeleted: fc.boolean() },
    updates: fc.array(environmentSettings, { maxLength: 4 }),
  })
  .map(({ id, created, updates, isDeleted }): Life => {
    const named = { environmentId: id, name: `environment ${id}`, rootKey: SECRET };
    const commands: EnvironmentCommand[] = [
      { type: 'CreateEnvironment', ...named, ...created, firstKey: { keyId: 'k', entry: SECRET } },
      ...updates.map((update) => ({ type: 'UpdateEnvironment', ...update }) as const),
      ...(isDeleted ? [{ type: 'DeleteEnvironment' } as const] : []),
    ];
    const { events, state } = lived(environmentDecider, commands);
    const row = (): Life['row'] => {
      if (state.status === 'absent') return undefined;
      const { name, description, tokenIssuer, expiresInUnit, redisUrl } = state;
      return {
        ...{ environment_id: id, name, description, token_issuer: tokenIssuer, expires_in_unit: expiresInUnit },
        own_redis: redisUrl !== null,
      };
    };
    return { streamId: `environment-${id}`, events, table: 'read_environments', row: row() };
  });

const setAddress = fc.constantFrom('https://a', 'https://b', 'https://c');
const setKey = fc.record({ uri: setAddress, kid: fc.constantFrom('k1', 'k2') });
const keySetOrder: fc.Arbitrary<EnvironmentCommand> = fc.oneof(
  fc.constantFrom(null, 'https://a', 'https://b').map((uri) => ({
    ...{ type: 'FlushKeySets' as const, uri, now: '2026-01-02T03:04:05.678Z' },
  })),
  setKey.map((key) => ({ type: 'DenyKeyId' as const, ...key })),
  setKey.map((key) => ({ type: 'AllowKeyId' as const, ...key })),
);

const orderedEnvironments = fc
  .record({
    ...{ id: fc.uuid(), created: environmentSettings, isDeleted: fc.boolean() },
    orders: fc.array(keySetOrder, { maxLength: 8 }),
  })
  .map(({ id, created, orders, isDeleted }): Life => {
    const named = { environmentId: id, name: `ordered ${id}`, rootKey: SECRET };
    const commands: EnvironmentCommand[] = [
      { type: 'CreateEnvironment', ...named, ...created, firstKey: { keyId: 'k', entry: SECRET } },
      ...orders,
      ...(isDeleted ? [{ type: 'DeleteEnvironment' } as const] : []),
    ];
    const { events, state } = lived(environmentDecider, commands);
    const row = (): Life['row'] => {
      if (state.status === 'absent') return undefined;
      const { flushes, denied } = state.keySetOrders;
      return {
        environment_id: id,
        flushes: flushes.map(({ uri }) => ({ uri, ...BY_ADA })),
        denied: denied.map((key) => ({ ...key, ...BY_ADA })),
      };
    };
    return { streamId: `environment-${id}`, events, table: 'read_key_set_orders', row: row() };
  });

const later = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : Math.max(one, other);
const until = fc.constantFrom<(number | null)[]>(null, 1_763_809_200, 1_763_809_260, 4_000_000_000);
const revocation = fc.record({ issuedUntilSeconds: until, endsAtMs: until });

/** Whoever deletes an environment says so in another stream; here it is at the end of the same. */
const revokingEnvironments = fc
  .record({
    ...{ id: fc.uuid(), isDeleted: fc.boolean() },
    revocations: fc.array(revocation, { minLength: 1, maxLength: 6 }),
  })
  .map(({ id, isDeleted, revocations }): Life => {
    const named = { environmentId: id, by: 'user', value: 'alice' };
    const revoked = revocations.map((one) => ({
      ...{ type: 'TokensRevoked', schemaVersion: 1, data: { ...named, ...one } },
    }));
    const deletion = { type: 'EnvironmentDeleted', schemaVersion: 1, data: { environmentId: id } };
    const [issuedUntil, endsAt] = (['issuedUntilSeconds', 'endsAtMs'] as const).map((name) =>
      revocations.map((one) => one[name]).reduce(later),
    );
    const row = {
      ...{ environment_id: id, revoked_by: 'user', value: 'alice', ...BY_ADA },
      ...{ issued_until_seconds: asText(issuedUntil), ends_at_ms: asText(endsAt) },
    };
    return {
      ...{ streamId: `environmentRevocations-${id}`, events: isDeleted ? [...revoked, deletion] : revoked },
      ...{ table: 'read_token_revocations', row: isDeleted ? undefined : row },
    };
  });

/** As the driver gives a number of eight bytes. */
const asText = (value: number | null | undefined): string | null => (typeof value === 'number' ? String(value) : null);

const HOUR_MS = 3_600_000;
const HOURLY = { tokenNeverExpires: false, tokenExpiresInAmount: 1, tokenExpiresInUnit: 'HOURS' as const };
const settings = fc.constantFrom(
  { tokenNeverExpires: true, tokenExpiresInAmount: null, tokenExpiresInUnit: null },
  HOURLY,
  { tokenNeverExpires: false, tokenExpiresInAmount: 2, tokenExpiresInUnit: 'HOURS' as const },
  // Refresh tokens too: of a day, or of thirty.
  { ...HOURLY, refreshTokenAllowed: true, refreshTokenExpiresInAmount: 1, refreshTokenExpiresInUnit: 'DAYS' as const },
  { ...HOURLY, refreshTokenAllowed: true, refreshTokenExpiresInAmount: null, refreshTokenExpiresInUnit: null },
);
type Settings = {
  readonly tokenNeverExpires: boolean;
  readonly tokenExpiresInAmount?: number | null;
  readonly refreshTokenAllowed?: boolean;
  readonly refreshTokenExpiresInAmount?: number | null;
};
const lifeOf = (one: Settings): number | null => {
  if (one.tokenNeverExpires) return null;
  const refreshHours = one.refreshTokenAllowed === true ? 24 * (one.refreshTokenExpiresInAmount ?? 30) : 0;
  return Math.max(one.tokenExpiresInAmount ?? 0, refreshHours) * HOUR_MS;
};
/** A change keeps what it does not name. */
const livesOf = (changes: readonly Partial<Settings>[]): (number | null)[] => {
  let settings: Settings = { tokenNeverExpires: true };
  return changes.map((change) => lifeOf((settings = { ...settings, ...change })));
};

/** Tokens live on when their credential is deleted. */
const settledCredentials = fc
  .record({ id: fc.uuid(), changes: fc.array(settings, { maxLength: 6 }), isDeleted: fc.boolean() })
  .map(({ id, changes, isDeleted }): Life => {
    const content = { email: '', fullName: '', description: '', enabled: true, expiresAt: null };
    const { events } = lived(credentialDecider, [
      {
        ...{ type: 'CreateCredential', credentialId: id, projectId: 'j', project: 'shop', username: id },
        ...{ password: SECRET, ...content, roles: [], ipList: [], metadata: [] },
      },
      ...changes.map((change) => ({ type: 'ChangeTokenSettings', change }) as const),
      ...(isDeleted ? [{ type: 'DeleteCredential' } as const] : []),
    ]);
    const row = { owner_id: id, project_id: 'j', longest_life_ms: asText(livesOf(changes).reduce(later, 0)) };
    return { streamId: `credential-${id}`, events, table: 'read_login_lives', row };
  });

const credentialContent = fc.record({
  ...{ email: text, fullName: text, description: text, enabled: fc.boolean(), expiresAt },
  ...{ roles: fc.array(text, { maxLength: 3 }), ipList: fc.constantFrom([], ['10.0.0.0/8']) },
  metadata: fc.array(fc.record({ key: text, value: text }), { maxLength: 2 }),
});
const granted = fc.uniqueArray(fc.record({ proxyId, expiresAt }), { selector: (one) => one.proxyId, minLength: 1 });
const asRequested = (access: readonly { proxyId: string; expiresAt: string | null }[]) =>
  access.map((one) => ({ ...one, field: 'f', proxyName: one.proxyId }));

const credentialCommand: fc.Arbitrary<CredentialCommand> = fc.oneof(
  credentialContent.map((content) => ({ type: 'UpdateCredential' as const, password: SECRET, ...content })),
  fc.constant({ type: 'ChangePassword' as const, password: SECRET }),
  granted.map((access) => ({
    ...{ type: 'GrantAccess' as const, access: asRequested(access), now: '2030-06-01T00:00:00.000Z' },
  })),
  granted.map((access) => ({ type: 'RevokeAccess' as const, access: asRequested(access) })),
  fc.constant({ type: 'ResetTokenSettings' as const }),
  fc.constant({ type: 'NoteRevokedFamilies' as const, environmentId: 'e', family: null, count: 1 }),
);

const credentials = fc
  .record({
    ...{ id: fc.uuid(), created: credentialContent, isDeleted: fc.boolean() },
    changes: fc.array(credentialCommand, { maxLength: 10 }),
  })
  .map(({ id, created, changes, isDeleted }): Life => {
    const named = { credentialId: id, projectId: 'j', project: 'shop', username: `user ${id}`, password: SECRET };
    const { events, state } = lived(credentialDecider, [
      { type: 'CreateCredential', ...named, ...created },
      ...changes,
      ...(isDeleted ? [{ type: 'DeleteCredential' } as const] : []),
    ]);
    const row = (): Life['row'] => {
      if (state.status === 'absent') return undefined;
      const { projectId, username, email, fullName, description, enabled, roles, ipList, metadata, access } = state;
      return {
        ...{ credential_id: id, project_id: projectId, username, email, full_name: fullName, description, enabled },
        ...{ expires_at: state.expiresAt, roles, ip_list: ipList, metadata, access },
        token_settings: state.tokenSettings,
      };
    };
    return { streamId: `credential-${id}`, events, table: 'read_credentials', row: row() };
  });

const apiProxies = fc.record({ id: fc.uuid(), history: histories, isDeleted: fc.boolean() }).map((given): Life => {
  const { id, history, isDeleted } = given;
  const plain = history.map(({ type, schemaVersion, data }) => ({
    type,
    schemaVersion,
    data: { ...data, proxyId: id },
  }));
  const deletion = { type: 'ProxyDeleted', schemaVersion: 1, data: { proxyId: id } };
  const events: DomainEvent[] = isDeleted ? [...plain, deletion] : plain;
  const state = fold(apiProxyDecider, events);
  const row = (): Life['row'] => {
    if (state.status === 'absent') return undefined;
    const { projectId, name, description, revision, clientRoute } = state;
    return { proxy_id: id, project_id: projectId, name, description, revision, client_route: clientRoute };
  };
  return { streamId: `apiProxy-${id}`, events, table: 'read_api_proxies', row: row() };
});

/** What no list shows. */
const deployments = fc.record({ id: fc.uuid(), count: fc.integer({ min: 1, max: 12 }) }).map(({ id, count }) => ({
  streamId: `environmentDeployments-${id}`,
  events: Array.from({ length: count }, () => ({ type: 'DeploymentSucceeded', schemaVersion: 1, data: {} })),
}));

export interface RandomLog {
  readonly lives: readonly Life[];
  /** In the order in which they are appended: each one a piece of a stream. */
  readonly appends: readonly { readonly streamId: string; readonly events: readonly DomainEvent[] }[];
}

/** Several aggregates of every kind, their events cut into pieces and shuffled together; each stream in its order. */
export const randomLogs: fc.Arbitrary<RandomLog> = fc
  .record({
    lives: fc
      .tuple(
        fc.array(projects, { maxLength: 3 }),
        fc.array(environments, { maxLength: 3 }),
        fc.array(orderedEnvironments, { maxLength: 3 }),
        fc.array(revokingEnvironments, { maxLength: 3 }),
        fc.array(credentials, { minLength: 1, maxLength: 4 }),
        fc.array(settledCredentials, { maxLength: 3 }),
        fc.array(apiProxies, { minLength: 1, maxLength: 3 }),
      )
      .map((kinds): readonly Life[] => kinds.flat()),
    foreign: fc.array(deployments, { maxLength: 3 }),
    picks: fc.array(fc.record({ stream: fc.nat(1_000), length: fc.integer({ min: 1, max: 5 }) }), { minLength: 60 }),
  })
  .map(({ lives, foreign, picks }) => {
    const left = [...lives, ...foreign].map(({ streamId, events }) => ({ streamId, events: [...events] }));
    const take = (index: number, length: number) => {
      const from = left[index % left.length]!;
      return { streamId: from.streamId, events: from.events.splice(0, length) };
    };
    const shuffled = picks.map(({ stream, length }) => take(stream, length));
    const rest = left.map((_, index) => take(index, Infinity));
    return { lives, appends: [...shuffled, ...rest].filter(({ events }) => events.length > 0) };
  });
