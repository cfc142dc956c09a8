import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parseExactJson } from './exact-json.ts';
import { malformed, unsupported } from './refused-request.ts';

export const LARGEST_BODY_BYTES = 1024 * 1024;

/** A body that is not JSON. Only calls that say so take one. */
export class TextBody {
  constructor(
    readonly mediaType: 'application/xml' | 'application/x-www-form-urlencoded',
    readonly text: string,
  ) {}
}

/** @throws RefusedRequest 415 for what a call that takes JSON did not ask for. */
export function requireJson(body: unknown): unknown {
  if (body instanceof TextBody) throw unsupported('send the body as application/json');
  return body;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * UTF-8 alone; malformed bytes are a fault of the sender, never replaced in silence.
 *
 * @throws RefusedRequest 415 for a compressed body, 400 for one that is not UTF-8
 */
function textOf(body: Buffer, contentEncoding: string | undefined): string {
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
    throw unsupported('send the body as it is, without Content-Encoding');
  }
  try {
    return UTF8.decode(body);
  } catch {
    throw malformed('the body is not UTF-8');
  }
}

/** JSON everywhere; XML and forms reach the calls that ask for them. No body is not a broken body. */
export function useBodyParsers(app: NestFastifyApplication): void {
  app.getHttpAdapter().getInstance().removeContentTypeParser('text/plain');
  // What a parser throws, the adapter hands on as the fault of the request.
  const use = (type: string, read: (text: string) => unknown): void => {
    app.useBodyParser(type, { bodyLimit: LARGEST_BODY_BYTES }, (request, body, done) => {
      done(null, read(textOf(body, request.headers['content-encoding'])));
    });
  };
  use('application/json', (text) => (text.trim() === '' ? undefined : parseExactJson(text)));
  use('application/xml', (text) => new TextBody('application/xml', text));
  use('text/xml', (text) => new TextBody('application/xml', text));
  use('application/x-www-form-urlencoded', (text) => new TextBody('application/x-www-form-urlencoded', text));
}
