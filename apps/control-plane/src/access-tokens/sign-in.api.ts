import { z } from 'zod';
import type { ApiCallFacts } from '../http/api-call.ts';

const FORM = z.looseObject({
  grant_type: z.literal('client_credentials'),
  client_id: z.string(),
  client_secret: z.string(),
});

export const SIGN_IN: ApiCallFacts = {
  tag: 'Tokens',
  summary: 'Exchange a token for a short-lived access token',
  description:
    'OAuth 2.0 client credentials as the vendor has them, as a form or as JSON: `client_id` is the name of a token (or ' +
    '`admin`), `client_secret` the token. The access token ends after an hour, and with the token it was got with. ' +
    'Failures are `unsupported_grant_type`, `invalid_request` (400) and `unauthorized_client` (401).',
  permission: 'ANY_TOKEN',
  isPublic: true,
  body: {
    schema: FORM,
    examples: {
      token: {
        grant_type: 'client_credentials',
        client_id: 'ci',
        client_secret: 'gwt_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      },
    },
    mediaTypes: ['application/x-www-form-urlencoded', 'application/json'],
  },
  answer: {
    mediaType: 'application/json',
    example: {
      access_token: 'gws_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      token_type: 'Bearer',
      expires_in: 3600,
    },
  },
};
