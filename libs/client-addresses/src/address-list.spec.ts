import { AddressList } from './address-list.ts';

describe('a list of addresses', () => {
  const list = new AddressList(['192.0.2.7', '10.0.0.0/8', '2001:db8::/32', '::1']);

  it.each(['192.0.2.7', '10.1.2.3', '2001:db8:1::2', '::1'])('has %s', (address) => {
    expect(list.has(address)).toBe(true);
  });

  it.each(['192.0.2.8', '11.0.0.1', '2001:db9::1', '::2', '', 'localhost', '10.0.0.0/8'])('has not %j', (address) => {
    expect(list.has(address)).toBe(false);
  });

  it('names what it cannot read, and takes nothing for it', () => {
    const entries = ['host', '1.2.3.4/33', '1.2.3.4/', '::/129', '1.2.3.4/8/8', '', '1.2.3.4/-1'];
    const broken = new AddressList([...entries, '1.2.3.4/32']);
    expect(broken.unreadable).toEqual(entries);
    expect([broken.has('1.2.3.4'), broken.has('1.2.3.5'), broken.isEmpty]).toEqual([true, false, false]);
  });
});
