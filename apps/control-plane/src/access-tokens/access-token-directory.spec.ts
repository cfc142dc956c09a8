import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { AccessTokenDirectory } from './access-token-directory.ts';
import { newSessionToken, tokenDigest } from './token-text.ts';

const ADMIN_TOKEN = `gwt_${randomBytes(32).toString('base64url')}`;

/** A directory over a database that knows one row, and what the database is asked. */
function directoryWith(row?: object) {
  const asked: { text: string; values: unknown[] }[] = [];
  const database = {
    query: (text: string, values: unknown[]) => {
      asked.push({ text, values });
      return Promise.resolve({ rows: row === undefined ? [] : [row] });
    },
  } as unknown as pg.Pool;
  return { directory: new AccessTokenDirectory(database, ADMIN_TOKEN), asked };
}

describe('a presented token', () => {
  it.each([
    'gwt_unknown',
    `gwt_${'x'.repeat(10_000)}`,
    'gws_unknown',
    ADMIN_TOKEN.slice(0, -1),
    `${ADMIN_TOKEN}x`,
    '\u00e9',
  ])(
    'is looked up by its digest alone, whatever it is: how long that takes says nothing of a token that is near it (%.20s)',
    async (token) => {
      const { directory, asked } = directoryWith();
      expect(await directory.standingOf(token)).toEqual({ status: 'unknown' });
      const digest = createHash('sha256').update(token, 'utf8').digest();
      expect(asked.map(({ values }) => values)).toEqual([[digest]]);
      expect(asked[0]?.text).not.toContain(token);
    },
  );

  it('that is ADMIN_TOKEN is known without the database', async () => {
    const { directory, asked } = directoryWith();
    expect((await directory.standingOf(ADMIN_TOKEN)).status).toBe('valid');
    expect(asked).toEqual([]);
  });

  it('that is a session of the administrator has to prove that it was opened with this ADMIN_TOKEN', async () => {
    const session = newSessionToken();
    const row = { token_id: null, name: null, permissions: null, project_ids: null, expired: false };
    const proof = directoryWith().directory.adminProof(session);
    const standing = (admin_proof: Buffer) => directoryWith({ ...row, admin_proof }).directory.standingOf(session);
    expect((await standing(proof)).status).toBe('valid');
    expect((await standing(randomBytes(32))).status).toBe('unknown');
    expect((await standing(tokenDigest(session))).status).toBe('unknown');
  });
});

/** Files in which something is compared that only its bearer may know. */
const COMPARING = [
  'apps/control-plane/src/access-tokens/access-token-directory.ts',
  'apps/gateway/src/token-endpoint/identity/proven-passwords.ts',
  'apps/gateway/src/token-endpoint/identity/proven-secrets.ts',
  'libs/jwt-engine/src/signature-check.ts',
  'libs/policy-contracts/src/secret-verifier.ts',
  'libs/event-store/src/history-keys.ts',
];

describe('a comparison of secrets, proofs or MACs', () => {
  it.each(COMPARING)('takes as long for any two of one length: %s', (file) => {
    const text = readFileSync(path.join(import.meta.dirname, '../../../..', file), 'utf8');
    expect(text).toMatch(/\btimingSafeEqual\(/);
    const compared = text.match(
      /\b\w*(?:digest|mac|proof|secret|password|token|verifier)\w*(?:\(\w*\))? *[!=]==? *(?!null|undefined)\w+/gi,
    );
    expect((compared ?? []).filter((one) => !/\.length/.test(one))).toEqual([]);
    expect(text).not.toMatch(/\.equals\(|\.compare\(/);
  });
});
