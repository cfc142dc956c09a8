import { InMemoryConfigChannel, putIdentity, type ChannelKeys, type StoredIdentity } from '#libs/config-distribution';
import { prepareEnvironment, ReplaceableChannel, type PreparedEnvironment } from '#libs/config-distribution/testing';
import { IdentityUnavailable } from '../token-endpoint/identity/identity.port.ts';
import { ChannelIdentityDirectory } from './channel-identity-directory.ts';

const client = { clientId: 'client-1', project: 'shop', proxy: 'orders', proxyId: 'p1', secretVerifier: 'hmac$a$b' };
const alice = {
  username: 'alice',
  project: 'shop',
  passwordVerifier: 'scrypt$2$a$b',
  passwordId: 'password-1',
  enabled: true,
  expiresAt: null,
  roles: ['reader'],
  ipList: ['192.0.2.0/24'],
  access: [{ project: 'shop', proxy: 'orders', expiresAt: null }],
  tokenSettings: null,
};

/** As the first version wrote it: never to be changed. */
const RECORD_OF_THE_FIRST_VERSION =
  '{"username":"carol","project":"shop","passwordVerifier":"scrypt$2$a$b","passwordId":"password-3","enabled":true,' +
  '"expiresAt":null,"roles":["reader"]}';

describe('ChannelIdentityDirectory', () => {
  let channel: ReplaceableChannel;
  let environment: PreparedEnvironment;
  let keys: ChannelKeys | undefined;
  let known: ChannelKeys;
  let refused: string[];
  let directory: ChannelIdentityDirectory;
  beforeEach(async () => {
    channel = new ReplaceableChannel(new InMemoryConfigChannel());
    environment = await prepareEnvironment(channel, 'production');
    await environment.tellOfAll();
    known = environment.keys;
    keys = known;
    refused = [];
    directory = new ChannelIdentityDirectory({
      channel,
      keys: () => keys,
      onRefused: (kind, problem) => refused.push(`${problem} ${kind}`),
    });
    await putIdentity(channel, known, { kind: 'client', subject: 'client-1', version: 1, content: client });
    await putIdentity(channel, known, { kind: 'credential', subject: 'alice', version: 1, content: alice });
  });

  it('finds clients by id and users by name', async () => {
    expect(await directory.client('client-1')).toEqual(client);
    expect(await directory.credential('alice')).toEqual(alice);
    expect(refused).toEqual([]);
  });

  it('reads the record of a user that the first version wrote: from anywhere, without an access list', async () => {
    const content = JSON.parse(RECORD_OF_THE_FIRST_VERSION) as typeof alice;
    await putIdentity(channel, known, { kind: 'credential', subject: 'carol', version: 1, content });
    const defaults = { ipList: [], access: [], tokenSettings: null };
    expect(await directory.credential('carol')).toEqual({ ...content, ...defaults });
    expect(refused).toEqual([]);
  });

  it('knows nobody else, and no user as a client', async () => {
    expect(await directory.client('alice')).toBeUndefined();
    expect(await directory.credential('client-1')).toBeUndefined();
    expect(await directory.credential('')).toBeUndefined();
  });

  it('sees a change at once, and nobody that was removed', async () => {
    const content = { ...alice, enabled: false };
    await putIdentity(channel, known, { kind: 'credential', subject: 'alice', version: 2, content });
    expect((await directory.credential('alice'))?.enabled).toBe(false);
    await putIdentity(channel, known, { kind: 'credential', subject: 'alice', version: 3, content: null });
    expect(await directory.credential('alice')).toBeUndefined();
    expect(refused).toEqual([]);
  });

  it('reports a planted record and treats it as absent', async () => {
    await channel.putIdentity({ kind: 'credential', subject: 'alice', version: 9, sealed: JSON.stringify(alice) });
    expect(await directory.credential('alice')).toBeUndefined();
    expect(refused).toEqual(['altered credential']);
  });

  it('reports the record of one user put in the place of another', async () => {
    const stored = await channel.identity('credential', 'alice');
    await channel.putIdentity({ kind: 'credential', subject: 'root', version: 1, sealed: stored?.sealed ?? '' });
    expect(await directory.credential('root')).toBeUndefined();
    expect(refused).toEqual(['altered credential']);
  });

  it('reports a sealed record of an unknown form', async () => {
    const content = { ...client, extra: 1 };
    await putIdentity(channel, known, { kind: 'client', subject: 'client-1', version: 2, content });
    expect(await directory.client('client-1')).toBeUndefined();
    expect(refused).toEqual(['altered client']);
  });

  describe('that has read a record', () => {
    const put = (version: number, content: object | null) =>
      putIdentity(channel, known, { kind: 'credential', subject: 'alice', version, content });
    /** Puts back what stood in Redis before, as only somebody who writes there himself can. */
    const replay = async (old: StoredIdentity): Promise<void> => {
      const held = await channel.identity('credential', 'alice');
      await channel.putIdentity(old, held?.version);
    };
    const stored = async (): Promise<StoredIdentity> => (await channel.identity('credential', 'alice'))!;
    const passwordId = async () => (await directory.credential('alice'))?.passwordId;

    it('goes back to no older one, which is reported, and on to a newer one', async () => {
      const old = await stored();
      await put(2, { ...alice, passwordId: 'password-2' });
      expect(await passwordId()).toBe('password-2');
      await replay(old);
      expect(await passwordId()).toBe('password-2');
      expect(refused).toEqual(['older credential']);
      await put(3, { ...alice, passwordId: 'password-3' });
      expect(await passwordId()).toBe('password-3');
      expect(refused).toHaveLength(1);
    });

    it('knows nobody whose removal it has read, whatever record of before comes back', async () => {
      const first = await stored();
      await put(2, { ...alice, passwordId: 'password-2' });
      expect(await passwordId()).toBe('password-2');
      const last = await stored();
      await put(3, null);
      expect(await passwordId()).toBeUndefined();
      for (const old of [first, last]) {
        await replay(old);
        expect(await passwordId()).toBeUndefined();
      }
      expect(refused).toEqual(['older credential', 'older credential']);
      await put(4, { ...alice, passwordId: 'password-4' });
      expect(await passwordId()).toBe('password-4');
    });

    it('obeys a removal that anybody may have written, and takes every later record all the same', async () => {
      expect(await passwordId()).toBe('password-1');
      await channel.putIdentity({ kind: 'credential', subject: 'alice', version: 999, sealed: null });
      expect(await passwordId()).toBeUndefined();
      await replay({
        ...(await stored()),
        version: 2,
        sealed: known.seal({ purpose: 'identity/credential', subject: 'alice', version: 2 }, JSON.stringify(alice)),
      });
      expect(await passwordId()).toBe('password-1');
    });

    it('is told by no older removal that the user is gone', async () => {
      await put(5, alice);
      expect(await passwordId()).toBe('password-1');
      await replay({ kind: 'credential', subject: 'alice', version: 4, sealed: null });
      expect(await passwordId()).toBe('password-1');
      expect(refused).toEqual(['older credential']);
    });
  });

  it('is unavailable for those who are not there while the environment is being told of everybody', async () => {
    const { epoch = '' } = (await channel.position()) ?? {};
    await environment.publisher.restart(epoch);
    for (const kind of ['client', 'credential'] as const)
      await expect(directory[kind](kind === 'client' ? 'client-1' : 'alice')).rejects.toThrow(IdentityUnavailable);
    await putIdentity(channel, known, { kind: 'client', subject: 'client-1', version: 2, content: client });
    expect(await directory.client('client-1')).toEqual(client);
    await expect(directory.credential('alice')).rejects.toThrow(IdentityUnavailable);
    await environment.tellOfAll();
    expect(await directory.credential('alice')).toBeUndefined();
  });

  it('finds who was told of between its two looks', async () => {
    const other = { ...client, clientId: 'client-2' };
    const { identities } = channel;
    channel.identities = async (kind, subjects) => {
      await putIdentity(channel, known, { kind: 'client', subject: 'client-2', version: 1, content: other });
      return identities(kind, subjects);
    };
    expect(await directory.client('client-2')).toEqual(other);
  });

  it('is unavailable while Redis is away', async () => {
    channel.isAway = true;
    await expect(directory.client('client-1')).rejects.toThrow(IdentityUnavailable);
  });

  it('is unavailable until the keys of the environment are known', async () => {
    keys = undefined;
    await expect(directory.credential('alice')).rejects.toThrow(IdentityUnavailable);
  });
});
