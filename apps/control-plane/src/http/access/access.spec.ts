import { PERMISSIONS, type Permission } from '../api-call.ts';
import { Access, ADMINISTRATOR } from './access.ts';

const given = (permissions: readonly Permission[], projects: 'all' | readonly string[]): Access =>
  new Access('ci', new Set(permissions), projects === 'all' ? 'all' : new Set(projects));

describe('what a token may do', () => {
  it.each<[Permission, readonly Permission[]]>([
    ['VIEW', ['VIEW']],
    ['MANAGE', ['VIEW', 'MANAGE']],
    ['DEPLOY', ['VIEW', 'DEPLOY']],
    ['ADMIN', ['VIEW', 'MANAGE', 'DEPLOY', 'ADMIN']],
  ])('with %s is %j', (permission, implied) => {
    const inOne = given([permission], ['j-1']);
    const inAll = given([permission], 'all');
    expect(PERMISSIONS.filter((one) => inOne.may(one, 'j-1'))).toEqual(implied);
    expect(PERMISSIONS.filter((one) => inAll.may(one, 'j-1'))).toEqual(implied);
    expect(PERMISSIONS.filter((one) => inAll.mayEverywhere(one))).toEqual(implied);
  });

  it('ends where its projects end', () => {
    const access = given(['ADMIN'], ['j-1']);
    expect(PERMISSIONS.filter((one) => access.may(one, 'j-2'))).toEqual([]);
    expect(PERMISSIONS.filter((one) => access.may(one, undefined))).toEqual([]);
    expect(PERMISSIONS.filter((one) => access.mayEverywhere(one))).toEqual([]);
  });

  it('is nothing when nothing was given', () => {
    expect(PERMISSIONS.filter((one) => given([], 'all').mayEverywhere(one))).toEqual([]);
  });

  it('is everything for the administrator', () => {
    expect(PERMISSIONS.filter((one) => ADMINISTRATOR.mayEverywhere(one))).toEqual(PERMISSIONS);
    expect(ADMINISTRATOR.actor).toBe('admin');
  });
});
