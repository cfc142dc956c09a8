import { exchangeFor, linked, NOW_MS, NOW_SECONDS, placed, routeOf } from '../testing/artifacts.ts';
import { makeToken } from '../testing/token-maker.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const tokenOf = (exp: number): string =>
  makeToken({ header: { alg: 'HS256' }, payload: { exp }, algorithm: 'HS256', key: SECRET });

describe('verdicts of policies', () => {
  it('are told each time that a policy ran, under its names, and not when its condition skipped it', async () => {
    const verify = { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.key' } };
    const told: string[] = [];
    const proxy = linked(
      {
        request: [
          placed('lenient', { ...verify, continueOnError: true }),
          placed('strict', verify),
          placed('never', { type: 'policy-raise-fault', statusCode: 403, condition: 'request.verb = "PUT"' }),
        ],
        variables: { 'private.key': SECRET },
      },
      {
        verdictsOf: ({ project, proxy: name, policy }) => ({
          passed: () => told.push(`${project}/${name} ${policy} passed`),
          continued: (fault) => told.push(`${project}/${name} ${policy} continued ${fault.name}`),
          refused: (fault) => told.push(`${project}/${name} ${policy} refused ${fault.name}`),
        }),
      },
    );
    const names = `${proxy.artifact.project}/${proxy.artifact.proxy}`;
    const run = async (exp: number): Promise<readonly string[]> => {
      const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${tokenOf(exp)}` } });
      await routeOf(proxy).runRequest(exchange, NOW_MS);
      return told.splice(0);
    };
    expect(await run(NOW_SECONDS + 60)).toEqual([`${names} lenient passed`, `${names} strict passed`]);
    expect(await run(NOW_SECONDS - 60)).toEqual([
      `${names} lenient continued TokenExpired`,
      `${names} strict refused TokenExpired`,
    ]);
  });
});
