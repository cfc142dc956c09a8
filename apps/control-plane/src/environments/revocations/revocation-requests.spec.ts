import { DomainError } from '../../decider/domain-error.ts';
import { readRevocation } from './revocation-requests.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const LATER = '2026-01-01T00:00:01Z';

function faultsOf(body: unknown): string[] {
  try {
    readRevocation(body, NOW_MS);
  } catch (error) {
    if (error instanceof DomainError) return error.faults.map(({ field, code }) => `${field} ${code}`);
    throw error;
  }
  return [];
}

it.each([
  ['nobody', {}, ['jti required']],
  ['two', { username: 'ada', jti: 'x' }, ['username invalid']],
  [
    'two, and no time',
    { username: 'ada', jti: 'x', issuedBefore: 'tomorrow' },
    ['issuedBefore invalid', 'username invalid'],
  ],
  ['nobody, and later', { issuedBefore: LATER }, ['issuedBefore out_of_range', 'jti required']],
  ['one', { username: 'ada' }, []],
])('a revocation of %s', (_whom, body, faults) => {
  expect(faultsOf(body)).toEqual(faults);
});

it('is of everybody, or of a user up to a time', () => {
  expect(readRevocation({ everybody: true }, NOW_MS)).toEqual({
    by: 'everybody',
    value: '',
    issuedBeforeMs: undefined,
  });
  const until = { username: 'ada', issuedBefore: '2025-12-31T23:00:00Z' };
  expect(readRevocation(until, NOW_MS)).toEqual({ by: 'user', value: 'ada', issuedBeforeMs: NOW_MS - 3_600_000 });
});
