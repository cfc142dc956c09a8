import { UnsupportedMediaTypeException } from '@nestjs/common';
import { TextBody } from '../http/bodies/body-parsers.ts';
import { readSignIn } from './sign-in-request.ts';

const form = (text: string) => readSignIn(new TextBody('application/x-www-form-urlencoded', text));
const WHOLE = { ok: true, clientId: 'ci 1', clientSecret: 'gwt_x' };

describe('a sign-in', () => {
  it('is read from a form, whatever else is in it', () => {
    expect(form('grant_type=client_credentials&client_id=ci+1&client_secret=gwt_x&scope=a&scope=b')).toEqual(WHOLE);
  });

  it('is read from the same members as JSON', () => {
    expect(readSignIn({ grant_type: 'client_credentials', client_id: 'ci 1', client_secret: 'gwt_x' })).toEqual(WHOLE);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'grant_type is required; client_id is required; client_secret is required'],
    [
      'an empty value',
      { grant_type: 'client_credentials', client_id: '', client_secret: 'a' },
      'client_id is required',
    ],
    ['a null', { grant_type: 'client_credentials', client_id: 'a', client_secret: null }, 'client_secret is required'],
    [
      'a number',
      { grant_type: 'client_credentials', client_id: 'a', client_secret: 1 },
      'client_secret must be a string',
    ],
    ['a list', ['grant_type'], 'grant_type is required; client_id is required; client_secret is required'],
  ])('of %s is an invalid request', (_what, body, message) => {
    expect(readSignIn(body)).toEqual({ ok: false, error: 'invalid_request', message });
  });

  it('that gives a parameter twice is an invalid request', () => {
    expect(form('grant_type=client_credentials&client_id=a&client_secret=b&client_secret=b')).toEqual({
      ok: false,
      error: 'invalid_request',
      message: 'client_secret must be given once',
    });
  });

  it('by any other grant is not known', () => {
    expect(form('grant_type=password&client_id=a&client_secret=b')).toEqual({
      ok: false,
      error: 'unsupported_grant_type',
      message: 'GrantType value must be client_credentials!',
    });
  });

  it('as XML is of another media type', () => {
    expect(() => readSignIn(new TextBody('application/xml', '<a/>'))).toThrow(UnsupportedMediaTypeException);
  });
});
