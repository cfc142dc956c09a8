import {
  PUBLISHED_CASES,
  PUBLISHED_SOURCE,
  type PublishedCase,
  SAMPLE_CASES,
} from '../../../test/vectors/published-cases.ts';
import { isOurs, judgeByAllAlgorithms, judgePublished, publishedKey } from '../../../test/vectors/judge-published.ts';
import { checkKeyFor } from './check-key.ts';
import { isJwsAlgorithmName } from './jws-algorithms.ts';

/** In the published set, and not ours: refused whatever the set says (RFC 8725 section 3.2). */
const NOT_OURS = ['JWE RSA-OAEP', 'JWE RSA1_5', 'JWE dir with foo'];

const nameOf = ({ kind, alg, enc }: PublishedCase): string =>
  enc === 'foo' ? `${kind} ${alg} with foo` : `${kind} ${alg}`;
const count = (cases: readonly unknown[]): boolean => cases.length > 0;

const keyFault = (published: PublishedCase): string => {
  const key = publishedKey(published);
  if ('ok' in key) return key.code;
  return isJwsAlgorithmName(published.alg) ? (checkKeyFor(published.alg, key)?.code ?? 'fits') : 'fits';
};

/** What each kind must have, lest the suite pass for want of cases. */
const KINDS = ['JWS', 'JWE'] as const;

describe.each([
  ['the embedded sample', SAMPLE_CASES],
  [PUBLISHED_SOURCE, PUBLISHED_CASES],
])('%s of vectors', (source, cases) => {
  const foreign = cases.filter((published) => !isOurs(published));
  const ours = cases.filter(isOurs);
  const accepted = ours.filter(({ jwtExpect, weakKey }) => jwtExpect === 'accept' && weakKey !== true);
  const refused = ours.filter(({ jwtExpect, weakKey }) => jwtExpect !== 'accept' && weakKey !== true);
  const weak = ours.filter(({ weakKey }) => weakKey === true);
  const goodButNoClaims = refused.filter(
    ({ expect: signature, payloadIsClaims }) => signature === 'accept' && payloadIsClaims === false,
  );

  it.each(KINDS)('has cases of each kind of %s', (wanted) => {
    const ofKind = [accepted, refused, goodButNoClaims, foreign].map((all) =>
      all.filter(({ kind }) => kind === wanted),
    );
    // No published signature is of an algorithm that is not ours.
    expect(ofKind.slice(0, wanted === 'JWS' ? 3 : 4).every(count)).toBe(true);
  });

  it('has weak keys, and cases that claims decide', () => {
    expect([weak, cases.filter(({ level }) => level === 'claims')].every(count)).toBe(true);
  });

  it.each(accepted)('$id is accepted: $reason', async (published) => {
    expect(await judgePublished(published)).toMatchObject({ ok: true });
  });

  it.each(refused)('$id is refused: $reason', async (published) => {
    expect(await judgePublished(published)).toMatchObject({ ok: false });
  });

  it.each(goodButNoClaims)('$id is refused only for its payload: $reason', async (published) => {
    expect(await judgePublished(published)).toEqual({ ok: false, code: 'InvalidJsonFormat' });
  });

  it.each(weak)('$id is refused for its weak key: $reason', async (published) => {
    expect(await judgePublished(published)).toMatchObject({ ok: false });
    expect(['InsufficientKeyLength', 'InvalidPublicKey', 'InvalidSecretKey']).toContain(keyFault(published));
  });

  it.each(foreign)('$id, of $alg, is refused by a verifier for each algorithm of ours: $reason', async (published) => {
    const verdicts = await judgeByAllAlgorithms(published);
    expect(verdicts.filter(({ ok }) => ok)).toEqual([]);
  });

  it('knows by name what is not ours', () => {
    const names = [...new Set(foreign.map(nameOf))].sort();
    expect(names).toEqual(source === 'the published set' ? NOT_OURS : ['JWE RSA1_5']);
  });
});
