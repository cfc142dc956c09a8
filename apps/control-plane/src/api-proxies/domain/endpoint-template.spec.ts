import { templateParameters, templateShape } from './endpoint-template.ts';

describe('the parameters of a path template', () => {
  it.each<[string, string[] | undefined]>([
    ['/', []],
    ['/users', []],
    ['/users/{id}', ['id']],
    ['/users/{id}/files/v{version}.json', ['id', 'version']],
    ['/users/{id}{name}', undefined],
    ['/users/{}', undefined],
    ['/users/{id', undefined],
    ['/users/id}', undefined],
    ['/users/{{id}}', undefined],
  ])('%s: %j', (template, names) => {
    expect(templateParameters(template)).toEqual(names);
  });
});

describe('two path templates', () => {
  it.each([
    ['/users/{id}', '/users/{name}'],
    ['/v{a}.json', '/v{b}.json'],
    ['/%75sers', '/users'],
    ['/a%20b{x}', '/a%20b{y}'],
  ])('%s and %s match the same requests', (left, right) => {
    expect(templateShape(left)).toBe(templateShape(right));
  });

  it.each([
    ['/users/{id}', '/users/me'],
    ['/users/{id}', '/users/{id}/files'],
    ['/users/{id}', '/users/v{id}'],
    ['/users/{id}.json', '/users/{id}.xml'],
    ['/users', '/users/'],
    ['/a%2Fb', '/a/b'],
  ])('%s and %s can be told apart', (left, right) => {
    expect(templateShape(left)).not.toBe(templateShape(right));
  });
});
