import { randomBytes } from 'node:crypto';
import { openIdentity, putIdentity } from './identities.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import { ChannelKeys } from './sealing/sealed-box.ts';

const keys = new ChannelKeys('production', randomBytes(32));
const alice = { kind: 'credential', subject: 'alice', version: 1, content: { roles: ['reader'] } } as const;

describe('an identity in the channel', () => {
  let channel: InMemoryConfigChannel;
  beforeEach(() => {
    channel = new InMemoryConfigChannel();
  });

  const stored = async (subject: string) => {
    const found = await channel.identity('credential', subject);
    if (found === undefined) throw new Error(`${subject} is not there`);
    return found;
  };

  it('opens as what was stored', async () => {
    expect(await putIdentity(channel, keys, alice)).toBe(true);
    expect(openIdentity(keys, await stored('alice'))).toEqual({ roles: ['reader'] });
  });

  it('does not open under another subject, kind or version', async () => {
    await putIdentity(channel, keys, alice);
    const found = await stored('alice');
    expect(openIdentity(keys, { ...found, subject: 'bob' })).toBeUndefined();
    expect(openIdentity(keys, { ...found, kind: 'client' })).toBeUndefined();
    expect(openIdentity(keys, { ...found, version: 2 })).toBeUndefined();
  });

  it('is nothing once it was removed, and an older record does not bring it back', async () => {
    await putIdentity(channel, keys, alice);
    await putIdentity(channel, keys, { ...alice, version: 3, content: null });
    expect(await putIdentity(channel, keys, { ...alice, version: 2 })).toBe(false);
    expect(openIdentity(keys, await stored('alice'))).toBeUndefined();
  });
});
