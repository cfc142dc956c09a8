import type { IncomingHttpHeaders } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parseExactJson } from './exact-json.ts';
import { malformed, unsupported } from '../refused-request.ts';

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
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i;
const UTF8_NAME = /^utf-?8$/i;

/** Whether somebody who goes by the charset that is named would read another text. */
function isReadOtherwise(body: Buffer, contentType: string | undefined): boolean {
  const charset = CHARSET.exec(contentType ?? '')?.[1];
  return charset !== undefined && !UTF8_NAME.test(charset) && body.some((byte) => byte > 0x7f || byte === 0);
}

/**
 * UTF-8 alone; malformed bytes are a fault of the sender, never replaced in silence. Many clients name ISO-8859-1 for a
 * form of nothing but ASCII: that is UTF-8, too.
 *
 * @throws RefusedRequest 415 for a compressed body or another charset, 400 for one that is not UTF-8
 */
function textOf(body: Buffer, headers: IncomingHttpHeaders): string {
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity') throw unsupported('send the body as it is, without Content-Encoding');
  if (isReadOtherwise(body, headers['content-type']))
    throw unsupported('send the body as UTF-8, without another charset');
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
      done(null, read(textOf(body, request.headers)));
    });
  };
  use('application/json', (text) => (text.trim() === '' ? undefined : parseExactJson(text)));
  use('application/xml', (text) => new TextBody('application/xml', text));
  use('text/xml', (text) => new TextBody('application/xml', text));
  use('application/x-www-form-urlencoded', (text) => new TextBody('application/x-www-form-urlencoded', text));
}
