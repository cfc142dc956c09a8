import { UnsupportedMediaTypeException } from '@nestjs/common';
import { TextBody } from '../http/bodies/body-parsers.ts';

const FORM = 'application/x-www-form-urlencoded';
const PARAMETERS = ['grant_type', 'client_id', 'client_secret'] as const;
type Parameter = (typeof PARAMETERS)[number];

export interface SignInRefusal {
  readonly ok: false;
  readonly error: 'invalid_request' | 'unsupported_grant_type';
  readonly message: string;
}

export type SignInRequest =
  { readonly ok: true; readonly clientId: string; readonly clientSecret: string } | SignInRefusal;

type Given = ReadonlyMap<Parameter, readonly unknown[]>;

function givenIn(body: unknown): Given {
  if (body instanceof TextBody) {
    if (body.mediaType !== FORM) throw new UnsupportedMediaTypeException();
    const form = new URLSearchParams(body.text);
    return new Map(PARAMETERS.map((name) => [name, form.getAll(name)]));
  }
  const members = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  return new Map(PARAMETERS.map((name) => [name, Object.hasOwn(members, name) ? [members[name]] : []]));
}

/** What is wrong with a parameter; one without a value counts as left out (RFC 6749 section 3.2). */
function faultIn(name: Parameter, values: readonly unknown[]): string | undefined {
  if (values.length > 1) return `${name} must be given once`;
  const [value] = values;
  if (value === undefined || value === null || value === '') return `${name} is required`;
  return typeof value === 'string' ? undefined : `${name} must be a string`;
}

/** One way of naming oneself, not two that may differ (RFC 6749 section 2.3); a bearer token names nobody here. */
const basicFault = (authorization: string | undefined): string[] =>
  /^basic(?: |$)/i.test(authorization ?? '') ? ['client_id and client_secret go into the body, not into Basic'] : [];

/**
 * The three parameters of a sign-in, from a form or the same members as JSON. Others are ignored, as OAuth asks.
 *
 * @throws UnsupportedMediaTypeException
 */
export function readSignIn(body: unknown, authorization?: string): SignInRequest {
  const given = givenIn(body);
  const missing = PARAMETERS.flatMap((name) => faultIn(name, given.get(name) ?? []) ?? []);
  const faults = [...basicFault(authorization), ...missing];
  if (faults.length > 0) return { ok: false, error: 'invalid_request', message: faults.join('; ') };
  const [grantType, clientId, clientSecret] = PARAMETERS.map((name) => String(given.get(name)?.[0]));
  if (grantType !== 'client_credentials') {
    return { ok: false, error: 'unsupported_grant_type', message: 'GrantType value must be client_credentials!' };
  }
  return { ok: true, clientId: clientId ?? '', clientSecret: clientSecret ?? '' };
}
