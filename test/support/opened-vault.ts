import { hkdfSync } from 'node:crypto';
import type pg from 'pg';
import { openWith } from '#libs/config-distribution';

export type NamedSecrets = Readonly<Record<string, string | Buffer>>;

/** Members of a JWK that are private (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'k'];

interface StoredDataKey {
  readonly key_id: string;
  readonly purpose: string;
  readonly number: number;
  readonly wrapped: string;
}

function privateMembers(name: string, text: string): NamedSecrets {
  const jwk = JSON.parse(text) as Readonly<Record<string, string | undefined>>;
  const found = PRIVATE_MEMBERS.flatMap((member) => {
    const value = jwk[member];
    if (value === undefined) return [];
    return [
      [`${name} ${member}`, value] as const,
      [`${name} ${member} bytes`, Buffer.from(value, 'base64url')] as const,
    ];
  });
  return Object.fromEntries(found);
}

/** What is secret of a text in the vault; a wrapped key in a key ring is none, it lies in Redis as it is. */
function secretsIn(purpose: string, name: string, text: string): NamedSecrets {
  switch (purpose) {
    case 'key-ring-entry':
      return {};
    case 'redis-url': {
      const { password } = new URL(text);
      return password === '' ? {} : { [name]: decodeURIComponent(password) };
    }
    case 'root-key':
      return { [name]: text, [`${name} bytes`]: Buffer.from(text, 'base64url') };
    case 'key-store':
    case 'signing-key':
      return privateMembers(name, text);
    default:
      return { [name]: text };
  }
}

/** Every data key and every secret of a control plane's database, opened here by hand: what its tables promise. */
export async function openedVault(pool: pg.Pool, masterKey: Buffer): Promise<NamedSecrets> {
  const info = 'gatewarden/1/master-key/wrap';
  const wrappingKey = Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), info, 32));
  const open = (key: Buffer, place: { purpose: string; subject: string; version: number }, sealed: string): string => {
    const text = openWith(key, { environment: 'control-plane', ...place }, sealed);
    if (text === undefined) throw new Error(`${place.purpose} ${place.subject} does not open`);
    return text;
  };
  const { rows: dataKeys } = await pool.query<StoredDataKey>('select key_id, purpose, number, wrapped from data_keys');
  const keys = new Map<string, Buffer>();
  for (const { key_id: subject, purpose, number: version, wrapped } of dataKeys) {
    const text = open(wrappingKey, { purpose: `data-key/${purpose}`, subject, version }, wrapped);
    keys.set(subject, Buffer.from(text, 'base64url'));
  }
  const { rows } = await pool.query<{ secret_id: string; purpose: string; key_id: string; sealed: string }>(
    'select secret_id, purpose, key_id, sealed from secrets',
  );
  const opened = rows.map(({ secret_id: subject, purpose, key_id: keyId, sealed }) =>
    secretsIn(
      purpose,
      `${purpose} ${subject}`,
      open(keys.get(keyId) ?? Buffer.alloc(32), { purpose, subject, version: 1 }, sealed),
    ),
  );
  return Object.assign(
    {},
    ...opened,
    Object.fromEntries([...keys].map(([id, key]) => [`data key ${id}`, key])),
  ) as NamedSecrets;
}
