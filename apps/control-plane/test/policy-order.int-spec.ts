import fc from 'fast-check';
import { AUTH_JWT, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

/** Two pipelines of the proxy, and one of each of two endpoints. */
const PLACES = [
  { targetScope: 'ALL', targetPipeline: 'REQUEST' },
  { targetScope: 'ALL', targetPipeline: 'RESPONSE' },
  ...['GET', 'POST'].map((targetEndpointHTTPMethod) => ({
    ...{ targetScope: 'ENDPOINT', targetEndpoint: '/users', targetEndpointHTTPMethod },
    targetPipeline: 'ERROR',
  })),
];
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

interface Step {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly name: string;
  readonly placeIndex: number;
  /** null and undefined: last, or where it is. */
  readonly order: number | null | undefined;
}

/** The model: for each place the names that stand there, in their order. */
type Lists = readonly (readonly string[])[];

const EMPTY: Lists = PLACES.map(() => []);
const stepsOfOneProxy = fc.array(
  fc.record<Step>({
    method: fc.constantFrom('POST', 'POST', 'PUT', 'PUT', 'DELETE'),
    name: fc.constantFrom(...NAMES),
    placeIndex: fc.nat(PLACES.length - 1),
    order: fc.oneof(fc.integer({ min: 0, max: 7 }), fc.constant(null), fc.constant(undefined)),
  }),
  { minLength: 5, maxLength: 20 },
);

/** What the seed says of `order`: from 1, null or beyond the end is last, the others shift; a change keeps its place. */
function withPolicyAt(lists: Lists, { name, placeIndex, order }: Step): Lists {
  const before = lists[placeIndex]?.indexOf(name) ?? -1;
  const others = lists.map((list) => list.filter((one) => one !== name));
  const end = others[placeIndex]?.length ?? 0;
  const unspecified = before === -1 ? end : before;
  const index = Math.min(order === null || order === undefined ? unspecified : order - 1, end);
  return others.map((list, at) => (at === placeIndex ? list.toSpliced(index, 0, name) : list));
}

/** The status that must be answered, and the lists after it. */
function expectedOf(lists: Lists, step: Step): { status: number; lists: Lists } {
  const isThere = lists.some((list) => list.includes(step.name));
  if (step.order === 0) return { status: 400, lists };
  if (step.method === 'POST')
    return isThere ? { status: 409, lists } : { status: 200, lists: withPolicyAt(lists, step) };
  if (!isThere) return { status: 404, lists };
  if (step.method === 'PUT') return { status: 200, lists: withPolicyAt(lists, step) };
  const isHere = lists[step.placeIndex]?.includes(step.name) === true;
  return isHere
    ? { status: 200, lists: lists.map((list) => list.filter((one) => one !== step.name)) }
    : { status: 404, lists };
}

type PolicyLists = Readonly<Record<'requestPolicyList' | 'responsePolicyList' | 'errorPolicyList', Listed[]>>;
interface Listed {
  readonly name: string;
  readonly order: number;
}

describe('the order of policies over HTTP', () => {
  let plane: RunningControlPlane;
  let proxies = 0;

  beforeAll(async () => {
    plane = await RunningControlPlane.start();
    await plane.done('POST', '/projects/', { name: 'shop' });
  });
  afterAll(() => plane.close());

  async function newProxy(): Promise<string> {
    proxies += 1;
    const name = `ordered-${proxies}`;
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(name));
    const at = `/projects/shop/apiProxies/${name}`;
    for (const httpMethod of ['GET', 'POST']) {
      await plane.done('POST', `${at}/endpoints/`, { name: '/users', httpMethod });
    }
    return at;
  }

  /** As `GET X/policies/` has it, every number of order checked. */
  async function listedAt(proxy: string): Promise<Lists> {
    const { resultList } = await plane.done('GET', `${proxy}/policies/`);
    const { apiProxy, endpointList } = resultList[0] as {
      apiProxy: PolicyLists;
      endpointList: (PolicyLists & { httpMethod: string })[];
    };
    const endpoint = (method: string) => endpointList.find(({ httpMethod }) => httpMethod === method);
    const lists = [
      apiProxy.requestPolicyList,
      apiProxy.responsePolicyList,
      endpoint('GET')?.errorPolicyList ?? [],
      endpoint('POST')?.errorPolicyList ?? [],
    ];
    const all = [apiProxy, ...endpointList].flatMap((one) => [
      ...one.requestPolicyList,
      ...one.responsePolicyList,
      ...one.errorPolicyList,
    ]);
    expect(all).toHaveLength(lists.flat().length);
    for (const list of lists) expect(list.map(({ order }) => order)).toEqual(list.map((_, index) => index + 1));
    return lists.map((list) => list.map(({ name }) => name));
  }

  it('POST, PUT and DELETE X/policies/{policyName}/ leave what a plain list of each place would hold', async () => {
    await fc.assert(
      fc.asyncProperty(stepsOfOneProxy, async (steps) => {
        const proxy = await newProxy();
        let model = EMPTY;
        for (const step of steps) {
          const operationMetadata = { ...PLACES[step.placeIndex], order: step.order, deploy: false };
          const body = step.method === 'DELETE' ? { operationMetadata } : { operationMetadata, policy: AUTH_JWT };
          const { status } = await plane.call(step.method, `${proxy}/policies/${step.name}/`, body);
          const expected = expectedOf(model, step);
          expect({ step, status }).toEqual({ step, status: expected.status });
          model = expected.lists;
          expect({ step, lists: await listedAt(proxy) }).toEqual({ step, lists: model });
        }
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});
