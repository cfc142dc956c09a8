import { isEmptyList, oneOf, sortOut, type VendorMembers } from './vendor-proxy-members.ts';

const MEMBERS: VendorMembers = {
  ignored: ['reParse', 'route.buffer'],
  refused: [
    { path: 'soap', isHarmless: oneOf(false), reason: 'there is no SOAP here' },
    { path: 'route.hosts', isHarmless: isEmptyList, reason: 'name them in hostList' },
    { path: 'list[].mirror', isHarmless: oneOf(false), reason: 'nothing is mirrored' },
  ],
};

describe('members of the vendor', () => {
  it('that say nothing are taken out with a warning, null without one', () => {
    const sent = { a: 1, reParse: true, soap: false, route: { hosts: [], path: '/' }, list: [{ mirror: null, b: 2 }] };
    expect(sortOut(sent, MEMBERS)).toEqual({
      body: { a: 1, route: { path: '/' }, list: [{ b: 2 }] },
      warnings: ['reParse', 'soap', 'route.hosts'].map((field) => ({ field, message: `${field} has no effect here` })),
      faults: [],
    });
  });

  it('that would change what is served are faults that say why, each where it stands', () => {
    const { faults } = sortOut(
      { soap: true, route: { hosts: ['h'] }, list: [{ mirror: false }, { mirror: true }] },
      MEMBERS,
    );
    expect(faults).toEqual([
      { field: 'soap', code: 'not_supported', message: 'soap is not supported: there is no SOAP here' },
      { field: 'route.hosts', code: 'not_supported', message: 'route.hosts is not supported: name them in hostList' },
      {
        field: 'list[1].mirror',
        code: 'not_supported',
        message: 'list[1].mirror is not supported: nothing is mirrored',
      },
    ]);
  });

  it.each([[undefined], [null], ['text'], [[]], [{ route: 1, list: { mirror: true } }]])(
    'are looked for in %j without harm',
    (sent) => {
      expect(sortOut(sent, MEMBERS)).toEqual({ body: sent, warnings: [], faults: [] });
    },
  );
});
