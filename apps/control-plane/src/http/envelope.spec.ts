import { failure, success } from './envelope.ts';

const fault = (field: string) => ({ field, code: 'unknown_field', message: `${field} is not a known field` });

describe('the envelope of an answer', () => {
  it('shows no control characters of names that a client made up', () => {
    const { error_description: sentence, validation_errors: faults } = failure('validation_failed', 'a\r\nb', [
      fault('policy.a\u0000\u001b[31m\u202eb'),
    ]);
    expect(sentence).toBe('a\ufffd\ufffdb');
    expect(faults?.[0]).toMatchObject({ field: 'policy.a\ufffd\ufffd[31m\ufffdb' });
    expect(faults?.[0]?.message).toBe('policy.a\ufffd\ufffd[31m\ufffdb is not a known field');
    expect(success({ warnings: [fault('a\nb')] }).warnings).toMatchObject([{ field: 'a\ufffdb' }]);
  });

  it('is not larger the longer such a name is', () => {
    const answer = failure('validation_failed', 'no', [fault('n'.repeat(100_000))]);
    expect(JSON.stringify(answer).length).toBeLessThan(5_000);
  });

  it('names a hundred faults and says that there are more', () => {
    const faults = Array.from({ length: 101 }, (_, at) => fault(`a${at}`));
    const answer = failure('validation_failed', '101 fields are not valid', faults);
    expect(answer.validation_errors).toHaveLength(100);
    expect(answer.error_description).toBe('101 fields are not valid; the first 100 are named');
    expect(failure('validation_failed', 'no', faults.slice(1)).error_description).toBe('no');
  });
});
