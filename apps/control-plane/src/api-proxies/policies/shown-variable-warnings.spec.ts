import { parsePolicy } from '#libs/policy-contracts';
import { shownVariableWarnings, shownVariables } from './shown-variable-warnings.ts';

function shownBy(members: object) {
  const policy = parsePolicy({ type: 'policy-raise-fault', statusCode: 403, ...members });
  if (!policy.ok) throw new RangeError('the policy of this test is not valid');
  return shownVariables(policy.value);
}

describe('variables that clients are not shown', () => {
  it('are warned about in each text that names them, functions included', () => {
    const shown = shownBy({ reasonPhrase: '{motto}', payload: '{toLowerCase(motto)} {motto} {open} {request.path}' });
    const variables = [
      { name: 'motto', globalVisible: false, environmentValueList: [] },
      { name: 'open', globalVisible: true, environmentValueList: [] },
      { name: 'other', globalVisible: false, environmentValueList: [] },
    ];
    expect(shownVariableWarnings(shown, variables)).toEqual(
      ['policy.reasonPhrase', 'policy.payload'].map((field) => ({
        ...{ field, message: `${field} shows nothing of the variable motto: it is not visible` },
      })),
    );
  });

  it('are warned about with the environments where they are hidden', () => {
    const environmentValueList = [
      { environmentName: 'test', visible: true },
      { environmentName: 'production', visible: false },
    ];
    const variables = [{ name: 'motto', globalVisible: true, environmentValueList }];
    expect(shownVariableWarnings(shownBy({ payload: '{motto}' }), variables).map(({ message }) => message)).toEqual([
      'policy.payload shows nothing of the variable motto: it is not visible in production',
    ]);
  });

  it('are warned about when nothing sets them: mistyped, or never meant', () => {
    const shown = shownBy({ payload: 'h1{color:red} {reqest.path} {JWT.failed} {jwt.My Policy.error} { "a": 1 }' });
    expect(
      shownVariableWarnings(shown, []).map(({ message }) => /variable (.*): nothing sets it/.exec(message)?.[1]),
    ).toEqual(['color', 'reqest.path']);
  });

  it('are nobody’s concern in other policies', () => {
    const policy = parsePolicy({ type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.key' } });
    expect(policy.ok && shownVariables(policy.value)).toEqual([]);
  });
});
