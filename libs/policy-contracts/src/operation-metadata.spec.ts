import {
  ENDPOINT_METHODS,
  environmentNamesIn,
  parseDeletionMetadata,
  parseOperationMetadata,
  TARGET_PIPELINES,
} from './operation-metadata.ts';

const LEAST = { targetScope: 'ALL', targetPipeline: 'REQUEST' };
const AT_ENDPOINT = {
  targetScope: 'ENDPOINT',
  targetEndpoint: '/api/users',
  targetEndpointHTTPMethod: 'GET',
  targetPipeline: 'REQUEST',
};

const PARSERS = { 'an add or a change': parseOperationMetadata, 'a deletion': parseDeletionMetadata };
type Kind = keyof typeof PARSERS;
const KINDS = Object.keys(PARSERS) as Kind[];

function faultsOf(kind: Kind, input: unknown): string[] {
  const parsed = PARSERS[kind](input);
  return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field.replace('operationMetadata.', '')} ${code}`);
}

describe('operationMetadata of an add or a change', () => {
  it('has every default filled in: it deploys, and the policy is last', () => {
    expect(parseOperationMetadata(LEAST)).toEqual({
      ok: true,
      value: {
        place: { scope: 'ALL', pipeline: 'REQUEST' },
        deploy: true,
        environmentNames: [],
        order: undefined,
      },
      warnings: [],
    });
  });

  it('names an endpoint by path and method', () => {
    expect(parseOperationMetadata({ ...AT_ENDPOINT, order: 2, deploy: false })).toMatchObject({
      ok: true,
      value: {
        place: { scope: 'ENDPOINT', pipeline: 'REQUEST', endpoint: '/api/users', httpMethod: 'GET' },
        deploy: false,
        order: 2,
      },
    });
  });

  it.each([
    [{ targetEndpoint: null }, ['targetEndpoint required']],
    [{ targetEndpointHTTPMethod: undefined }, ['targetEndpointHTTPMethod required']],
    [
      { targetEndpoint: undefined, targetEndpointHTTPMethod: null },
      ['targetEndpoint required', 'targetEndpointHTTPMethod required'],
    ],
    [
      { targetEndpoint: undefined, targetPipeline: 'x', order: 0 },
      ['targetPipeline invalid_value', 'order out_of_range', 'targetEndpoint required'],
    ],
  ])('of scope ENDPOINT misses the endpoint: %j', (members, faults) => {
    expect(faultsOf('an add or a change', { ...AT_ENDPOINT, ...members })).toEqual(faults);
  });

  it('names each environment once', () => {
    const parsed = parseOperationMetadata({ ...LEAST, deployTargetEnvironmentNameList: ['a', 'b', 'a'] });
    expect(parsed).toMatchObject({ value: { environmentNames: ['a', 'b'] } });
  });
});

describe('operationMetadata of a deletion', () => {
  it('does not deploy unless it says so', () => {
    expect(parseDeletionMetadata(LEAST)).toEqual({
      ok: true,
      value: {
        scope: 'ALL',
        pipeline: 'REQUEST',
        endpoint: undefined,
        httpMethod: undefined,
        deploy: false,
        environmentNames: [],
      },
      warnings: [],
    });
    expect(parseDeletionMetadata({ ...LEAST, deploy: true })).toMatchObject({ value: { deploy: true } });
  });

  it('may leave the endpoint out, or name it', () => {
    expect(parseDeletionMetadata({ targetScope: 'ENDPOINT', targetPipeline: 'ERROR' })).toMatchObject({
      value: { scope: 'ENDPOINT', pipeline: 'ERROR', endpoint: undefined },
    });
    expect(parseDeletionMetadata(AT_ENDPOINT)).toMatchObject({
      value: { scope: 'ENDPOINT', endpoint: '/api/users', httpMethod: 'GET' },
    });
  });
});

describe.each(KINDS)('operationMetadata of %s', (kind) => {
  it.each([
    ['targetPipeline', [...TARGET_PIPELINES]],
    ['targetEndpointHTTPMethod', [...ENDPOINT_METHODS, null]],
    ['targetEndpoint', ['/a', null]],
    ['deploy', [true, false, null]],
    ['deployTargetEnvironmentNameList', [[], ['production'], null]],
    ['order', [1, 17, null]],
  ] as const)('takes every value of %s', (name, values) => {
    for (const value of values) expect(faultsOf(kind, { ...LEAST, [name]: value })).toEqual([]);
  });

  it.each([
    ['targetScope', undefined, 'required'],
    ['targetScope', null, 'invalid_value'],
    ['targetScope', 'all', 'invalid_value'],
    ['targetScope', 1, 'invalid_value'],
    ['targetPipeline', undefined, 'required'],
    ['targetPipeline', null, 'invalid_value'],
    ['targetPipeline', 'FAULT', 'invalid_value'],
    ['targetEndpoint', '', 'out_of_range'],
    ['targetEndpoint', 1, 'wrong_type'],
    ['targetEndpointHTTPMethod', 'get', 'invalid_value'],
    ['targetEndpointHTTPMethod', 'ALL', 'invalid_value'],
    ['deploy', 'true', 'wrong_type'],
    ['deploy', 1, 'wrong_type'],
    ['deployTargetEnvironmentNameList', 'production', 'wrong_type'],
    ['deployTargetEnvironmentNameList', {}, 'wrong_type'],
    ['order', 0, 'out_of_range'],
    ['order', -1, 'out_of_range'],
    ['order', 1.5, 'wrong_type'],
    ['order', '1', 'wrong_type'],
    ['surprise', 1, 'unknown_field'],
  ])('refuses %s of %j: %s', (name, value, code) => {
    expect(faultsOf(kind, { ...LEAST, [name]: value })).toEqual([`${name} ${code}`]);
  });

  it('names the place in the list of environments', () => {
    expect(faultsOf(kind, { ...LEAST, deployTargetEnvironmentNameList: ['a', 1, ''] })).toEqual([
      'deployTargetEnvironmentNameList[1] wrong_type',
      'deployTargetEnvironmentNameList[2] out_of_range',
    ]);
  });

  it.each([
    [undefined, 'operationMetadata required'],
    [null, 'operationMetadata wrong_type'],
    ['ALL', 'operationMetadata wrong_type'],
    [[], 'operationMetadata wrong_type'],
  ])('must be an object, not %j', (input, fault) => {
    expect(faultsOf(kind, input)).toEqual([fault]);
  });

  it('reports every fault at once', () => {
    expect(faultsOf(kind, { deploy: 1, order: 0, more: true })).toEqual([
      'targetScope required',
      'targetPipeline required',
      'deploy wrong_type',
      'order out_of_range',
      'more unknown_field',
    ]);
  });
});

describe('environment names in metadata', () => {
  it('are found in whatever else is broken', () => {
    expect(environmentNamesIn({ deployTargetEnvironmentNameList: ['a', 1, 'b'], order: 'x' })).toEqual(['a', 'b']);
    for (const input of [undefined, null, 'text', [], { deployTargetEnvironmentNameList: 'a' }]) {
      expect(environmentNamesIn(input)).toEqual([]);
    }
  });
});
