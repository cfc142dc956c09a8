import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CannotListen } from '../listening.ts';

/**
 * Not by Nest's own `listen`, which writes the error to the log as well.
 *
 * @throws CannotListen
 */
export async function listenForAdmin(app: NestFastifyApplication, host: string, port: number): Promise<void> {
  try {
    await app.getHttpAdapter().getInstance().listen({ host, port });
  } catch (error) {
    throw new CannotListen('ADMIN_PORT', host, port, error);
  }
}
