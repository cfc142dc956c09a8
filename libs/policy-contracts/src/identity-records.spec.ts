import {
  parseClientRecord,
  parseCredentialRecord,
  type ClientRecord,
  type CredentialRecord,
} from './identity-records.ts';

const CLIENT: ClientRecord = { clientId: 'c', project: 'shop', proxy: 'orders', proxyId: 'p', secretVerifier: 'v' };
const CREDENTIAL: CredentialRecord = {
  ...{ username: 'alice', project: 'shop', passwordVerifier: 'v', passwordId: 'p-1', enabled: true },
  ...{ expiresAt: '2030-01-01T00:00:00.000Z', roles: ['reader'], ipList: ['10.0.0.0/8'] },
  access: [{ project: 'shop', proxy: 'orders', expiresAt: null }],
  tokenSettings: { tokenNeverExpires: false },
};
/** What records of earlier versions lack. */
const DEFAULTS: Readonly<Record<string, unknown>> = { ipList: [], access: [], tokenSettings: null };

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const RECORDS = [
  { kind: 'client', parse: parseClientRecord, record: CLIENT },
  { kind: 'credential', parse: parseCredentialRecord, record: CREDENTIAL },
] as const;

describe.each(RECORDS)('a $kind record', ({ kind, parse, record }) => {
  it('is the same after its way through JSON', () => {
    expect(parse(throughJson(record))).toEqual({ ok: true, value: record, warnings: [] });
  });

  it.each(Object.keys(record).filter((name) => !(name in DEFAULTS)))('needs %s', (name) => {
    const { [name]: _left, ...rest } = record as unknown as Record<string, unknown>;
    expect(parse(rest)).toMatchObject({ ok: false, faults: [{ field: `${kind}.${name}`, code: 'required' }] });
  });

  it.each(Object.keys(record))('refuses %s of another type', (name) => {
    expect(parse({ ...record, [name]: 7 })).toMatchObject({
      ok: false,
      faults: [{ field: `${kind}.${name}`, code: 'wrong_type' }],
    });
  });

  it('refuses what it does not know, and what is no object', () => {
    expect(parse({ ...record, admin: true })).toMatchObject({
      ok: false,
      faults: [{ field: `${kind}.admin`, code: 'unknown_field' }],
    });
    for (const input of [undefined, null, 'text', [record]]) expect(parse(input).ok).toBe(false);
  });
});

describe('a credential record', () => {
  it('of an earlier version has no addresses, no access list and no settings of its own', () => {
    const { ipList: _ips, access: _access, tokenSettings: _settings, ...older } = CREDENTIAL;
    expect(parseCredentialRecord(older)).toEqual({ ok: true, value: { ...older, ...DEFAULTS }, warnings: [] });
  });

  it('may never expire', () => {
    expect(parseCredentialRecord({ ...CREDENTIAL, expiresAt: null })).toMatchObject({ ok: true });
  });
});
