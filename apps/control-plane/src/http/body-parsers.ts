import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

export const LARGEST_BODY_BYTES = 1024 * 1024;

/** A body that is not JSON. Only calls that say so take one. */
export class TextBody {
  constructor(
    readonly mediaType: 'application/xml' | 'application/x-www-form-urlencoded',
    readonly text: string,
  ) {}
}

/** @throws UnsupportedMediaTypeException for what a call that takes JSON did not ask for. */
export function requireJson(body: unknown): unknown {
  if (body instanceof TextBody) throw new UnsupportedMediaTypeException();
  return body;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 alone; malformed bytes are a fault of the sender, never replaced in silence. */
function textOf(body: Buffer): string | undefined {
  try {
    return UTF8.decode(body);
  } catch {
    return undefined;
  }
}

const malformed = (): Error => Object.assign(new Error('the body is not UTF-8'), { statusCode: 400 });

/** JSON everywhere; XML and forms reach the calls that ask for them. No body is not a broken body. */
export function useBodyParsers(app: NestFastifyApplication): void {
  const instance = app.getHttpAdapter().getInstance();
  instance.removeContentTypeParser('text/plain');
  const parse = instance.getDefaultJsonParser('error', 'error');
  app.useBodyParser('application/json', { bodyLimit: LARGEST_BODY_BYTES }, (request, body, done) => {
    const text = textOf(body);
    if (text === undefined) done(malformed());
    else if (text.trim() === '') done(null, undefined);
    else void parse(request as never, text, done);
  });
  const texts = [
    ['application/xml', 'application/xml'],
    ['text/xml', 'application/xml'],
    ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded'],
  ] as const;
  for (const [type, mediaType] of texts) {
    app.useBodyParser(type, { bodyLimit: LARGEST_BODY_BYTES }, (_request, body, done) => {
      const text = textOf(body);
      if (text === undefined) done(malformed());
      else done(null, new TextBody(mediaType, text));
    });
  }
}
