import { InMemoryConfigChannel } from '#libs/config-distribution';
import type { CredentialRecord } from '#libs/policy-contracts';
import { temporaryDirectory } from '../config-subscriber/testing/subscriber-rig.ts';
import { CredentialsUnderTest, credentialOf } from './testing/credentials-under-test.ts';

const EARLIER = new Date(Date.UTC(2026, 0, 1, 11)).toISOString();
const LATER = new Date(Date.UTC(2026, 0, 1, 13)).toISOString();
const ORDERS = { project: 'shop', proxy: 'orders' };
const NEVER_SEALED = 's1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA';

describe('GatewayCredentials', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let rig: CredentialsUnderTest;
  beforeEach(async () => {
    directory = temporaryDirectory();
    rig = await CredentialsUnderTest.start(directory.path);
    await rig.tell('billing', credentialOf('billing'));
  });
  afterEach(async () => {
    await rig.credentials.settle();
    directory.remove();
  });

  describe('what stands against a credential', () => {
    it.each<[string, Partial<CredentialRecord> | null, string]>([
      ['nothing', {}, 'good'],
      ['disabled', { enabled: false }, 'disabled-credential'],
      ['expired', { expiresAt: EARLIER }, 'expired-credential'],
      ['not yet expired', { expiresAt: LATER }, 'good'],
      ['from elsewhere', { ipList: ['10.0.0.0/8'] }, 'foreign-address'],
      ['access withdrawn', { access: [] }, 'no-access'],
      ['access to another proxy', { access: [{ ...ORDERS, proxy: 'stock', expiresAt: null }] }, 'no-access'],
      ['access expired', { access: [{ ...ORDERS, expiresAt: EARLIER }] }, 'no-access'],
      ['removed', null, 'unknown-credential'],
    ])('is: %s, at its first use and at the next look, and is taken back', async (_what, change, standing) => {
      await rig.tell('other', change === null ? null : credentialOf('other', change));
      expect(await rig.standing('other')).toBe(standing);

      expect(await rig.standing('billing')).toBe('good');
      await rig.tell('billing', change === null ? null : credentialOf('billing', change));
      expect(rig.standing('billing')).toBe('good');
      await rig.look();
      expect(rig.standing('billing')).toBe(standing);
      await rig.tell('billing', credentialOf('billing'));
      await rig.look();
      expect(rig.standing('billing')).toBe('good');
      expect(rig.refusals).toEqual([]);
    });

    it('is that there is none, until the next look', async () => {
      expect(await rig.standing('new')).toBe('unknown-credential');
      await rig.tell('new', credentialOf('new'));
      expect(rig.standing('new')).toBe('unknown-credential');
      await rig.look();
      expect(rig.standing('new')).toBe('good');
    });

    it('is not known while the environment is being told of everybody', async () => {
      const { epoch = '' } = (await rig.channel.position()) ?? {};
      await rig.environment.publisher.restart(epoch);
      expect(await rig.standings(['billing', 'nobody'])).toEqual(['unknown', 'unknown']);
      expect(rig.outcomes).toEqual(['failed', 'failed']);
      await rig.tell('billing', credentialOf('billing'));
      await rig.look();
      expect(await rig.standings(['billing', 'nobody'])).toEqual(['good', 'unknown']);
      await rig.environment.tellOfAll();
      await rig.look();
      expect(await rig.standings(['billing', 'nobody'])).toEqual(['good', 'unknown-credential']);
    });

    it('is what stands against the user who logged in through it, access apart', async () => {
      const through = (subject: string) => rig.standing('billing', { subject });
      await rig.tell('alice', credentialOf('alice', { access: [] }));
      await rig.tell('bob', credentialOf('bob', { enabled: false }));
      expect(await through('alice')).toBe('good');
      expect(await through('bob')).toBe('disabled-credential');
      expect(await through('nobody')).toBe('unknown-credential');
      await rig.tell('alice', null);
      await rig.look();
      expect(through('alice')).toBe('unknown-credential');
      await rig.tell('billing', credentialOf('billing', { access: [] }));
      await rig.look();
      expect(through('bob')).toBe('no-access');
    });
  });

  describe('reading', () => {
    it('happens once for many requests at once, and for client and user together', async () => {
      await rig.tell('alice', credentialOf('alice'));
      const asked = Array.from({ length: 50 }, async () => rig.standing('billing', { subject: 'alice' }));
      expect(await Promise.all(asked)).toEqual(asked.map(() => 'good'));
      expect(rig.reads).toEqual([['billing', 'alice']]);
      expect(rig.outcomes).toEqual(['found', 'found']);
    });

    it('is shared by who asks while it is under way', async () => {
      const { identities } = rig.channel;
      let begun = (): void => undefined;
      const underWay = new Promise<void>((resolve) => (begun = resolve));
      let answer = (): void => undefined;
      const held = new Promise<void>((resolve) => (answer = resolve));
      rig.channel.identities = async (...which) => {
        begun();
        await held;
        return identities(...which);
      };
      const first = rig.standings(['billing']);
      await underWay;
      const second = rig.standings(['billing']);
      answer();
      expect([await first, await second]).toEqual([['good'], ['good']]);
      expect(rig.reads).toEqual([['billing']]);
    });

    it('is not needed again while a credential is used, but by looks', async () => {
      await rig.standing('billing');
      for (let second = 0; second < 300; second += 30) {
        rig.steadyMs += 30_000;
        expect(rig.standing('billing')).toBe('good');
        await rig.look();
      }
      expect(rig.reads).toHaveLength(11);
      expect(rig.outcomes).toEqual(['found']);
    });

    it('costs looks nothing for what was not used for a minute; its next use asks again', async () => {
      await rig.standing('billing');
      rig.steadyMs += 60_000;
      await rig.look();
      await rig.tell('billing', credentialOf('billing', { enabled: false }));
      expect(rig.reads).toHaveLength(1);
      expect(await rig.standing('billing')).toBe('disabled-credential');
      expect(rig.reads).toHaveLength(2);
    });

    it('reads many with few calls at a look', async () => {
      const names = Array.from({ length: 1_200 }, (_, index) => `user-${index}`);
      await rig.standings(names);
      rig.reads.length = 0;
      await rig.look();
      expect(rig.reads.map(({ length }) => length)).toEqual([500, 500, 200]);
    });

    it('forgets after an hour, and the least recently used beyond the number that is kept', async () => {
      rig = await CredentialsUnderTest.start(directory.path, { maxCount: 3 });
      for (const name of ['a', 'b', 'c']) {
        await rig.standing(name);
        rig.steadyMs += 1_000;
      }
      void rig.standing('a');
      await rig.standing('d');
      expect(rig.credentials.count).toBe(3);
      rig.reads.length = 0;
      void rig.standing('a');
      expect(rig.reads).toEqual([]);
      await rig.standing('b');
      expect(rig.reads).toEqual([['b']]);
      rig.steadyMs += 3_600_000;
      await rig.look();
      expect(rig.credentials.count).toBe(0);
    });

    it('says what went wrong when that is not that Redis is away', async () => {
      const fault = new TypeError('a fault of its own');
      rig.channel.identities = () => Promise.reject(fault);
      expect(await rig.standing('billing')).toBe('unknown');
      expect([rig.outcomes, rig.unexpected]).toEqual([['failed'], [fault]]);
    });
  });

  describe('while Redis is away', () => {
    it('what was last known decides', async () => {
      await rig.tell('bob', credentialOf('bob', { enabled: false }));
      await rig.standing('billing');
      await rig.standing('bob');
      rig.channel.isAway = true;
      await expect(rig.look()).rejects.toThrow();
      rig.steadyMs += 7_200_000;
      expect([await rig.standing('billing'), await rig.standing('bob')]).toEqual(['good', 'disabled-credential']);
    });

    it('nothing is known of the others, and nobody waits twice', async () => {
      rig.channel.isAway = true;
      expect(await rig.standing('billing')).toBe('unknown');
      expect(rig.standing('billing')).toBe('unknown');
      expect([rig.outcomes, rig.unexpected]).toEqual([['failed'], []]);
      rig.channel.isAway = false;
      await rig.look();
      expect(rig.standing('billing')).toBe('good');
    });

    it('what stands against one for sure counts for more than what is not known of the other', async () => {
      await rig.tell('bob', credentialOf('bob', { enabled: false }));
      await rig.standing('bob');
      rig.channel.isAway = true;
      expect(await rig.standing('billing', { subject: 'bob' })).toBe('disabled-credential');
      expect(await rig.standing('bob', { subject: 'billing' })).toBe('disabled-credential');
    });

    it('nothing is known either before the gateway was admitted', async () => {
      rig.keys = undefined;
      expect(await rig.standing('billing')).toBe('unknown');
      expect([rig.reads, rig.outcomes]).toEqual([[], ['failed']]);
      await rig.look();
      expect(rig.standing('billing')).toBe('good');
    });
  });

  describe('what is not what the control plane said last', () => {
    const disable = async (): Promise<void> => {
      expect(await rig.standing('billing')).toBe('good');
      await rig.tell('billing', credentialOf('billing', { enabled: false }));
      await rig.look();
    };

    it('does not bring back an older record, and is reported once', async () => {
      const good = await rig.stored('billing');
      await disable();
      await rig.plant(good);
      for (let look = 0; look < 3; look += 1) await rig.look();
      expect([rig.standing('billing'), rig.refusals]).toEqual(['disabled-credential', [['older', 1]]]);
      await rig.tell('billing', credentialOf('billing'), 9);
      await rig.look();
      expect(rig.standing('billing')).toBe('good');
    });

    it('does not bring back the record of a user that was removed', async () => {
      await rig.standing('billing');
      const good = await rig.stored('billing');
      await rig.tell('billing', null);
      await rig.look();
      await rig.plant(good);
      await rig.look();
      expect([rig.standing('billing'), rig.refusals]).toEqual(['unknown-credential', [['older', 1]]]);
    });

    it('changes nothing when it was not sealed, and is nobody to whom nothing else is known', async () => {
      await disable();
      const planted = { subject: 'billing', version: 99, sealed: NEVER_SEALED };
      await rig.plant(planted);
      await rig.plant({ ...planted, subject: 'root' });
      await rig.look();
      await rig.look();
      expect(rig.standing('billing')).toBe('disabled-credential');
      expect(await rig.standing('root')).toBe('unknown-credential');
      await rig.look();
      expect(rig.refusals).toEqual([
        ['altered', 1],
        ['altered', 1],
      ]);
      expect(rig.outcomes).toEqual(['found', 'altered']);
    });

    it('does not remove a user by an older removal', async () => {
      await rig.tell('billing', credentialOf('billing'), 5);
      await rig.standing('billing');
      await rig.plant({ subject: 'billing', version: 4, sealed: null });
      await rig.look();
      expect([rig.standing('billing'), rig.refusals]).toEqual(['good', [['older', 1]]]);
    });

    it('is nobody by the record of another user', async () => {
      await rig.tell('root', credentialOf('billing'));
      expect(await rig.standing('root')).toBe('unknown-credential');
    });

    it('is nobody in the place of another user', async () => {
      const { version, sealed } = await rig.stored('billing');
      await rig.plant({ subject: 'root', version, sealed });
      expect(await rig.standing('root')).toBe('unknown-credential');
      expect(rig.refusals).toEqual([['altered', 1]]);
    });

    it('is obeyed when it says that a user is gone, until something newer is said', async () => {
      await rig.standing('billing');
      await rig.plant({ subject: 'billing', version: 999, sealed: null });
      await rig.look();
      expect(rig.standing('billing')).toBe('unknown-credential');
      rig.channel.server = new InMemoryConfigChannel();
      await rig.tell('billing', credentialOf('billing'));
      await rig.look();
      expect(rig.standing('billing')).toBe('good');
    });

    it('changes nothing where Redis has lost everything', async () => {
      await disable();
      rig.channel.server = new InMemoryConfigChannel();
      await rig.look();
      expect([rig.standing('billing'), rig.refusals]).toEqual(['disabled-credential', []]);
    });
  });
});
