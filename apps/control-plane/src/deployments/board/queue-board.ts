import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { IServerAdapter } from '@bull-board/api/typings/app';
import { FastifyAdapter } from '@bull-board/fastify';
import type { Queue } from 'bullmq';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { DeploymentQueues } from '../../deployment-requests/deployment-queues.ts';
import { failure } from '../../http/envelope.ts';
import { DATABASE } from '../../injection-tokens.ts';

const PREFIX = '/apiops/queues';
const READS = new Set(['GET', 'HEAD']);

/** Nothing from elsewhere (the page asks for fonts there), no inline script; it sets styles inline. */
const BOARD_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

async function hardened(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  void reply
    .header('content-security-policy', BOARD_POLICY)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-store');
  // The queues are read-only to the board itself; nothing of it that changes anything is even reached.
  if (!READS.has(request.method)) {
    await reply.code(405).header('allow', 'GET, HEAD').send(failure('bad_request', 'the queues can only be looked at'));
  }
}

async function environments(database: pg.Pool): Promise<{ id: string; name: string }[]> {
  const found = await database.query<{ id: string; name: string }>(
    `select entity_id as id, name from names where kind = 'environment' order by name`,
  );
  return found.rows;
}

/** A queue under the name of its environment, in addresses too: the board's list shows nothing else. */
class EnvironmentQueueAdapter extends BullMQAdapter {
  constructor(
    queue: Queue,
    private readonly environmentName: string,
  ) {
    super(queue, { readOnlyMode: true });
  }

  override getName(): string {
    return this.environmentName;
  }
}

/**
 * Bull Board at `/apiops/queues`: every environment's queue, to look at. Who may see it is the authentication hook's to
 * decide, which stands before all routes.
 */
export async function serveQueueBoard(app: NestFastifyApplication): Promise<void> {
  const queues = app.get(DeploymentQueues);
  const database = app.get<pg.Pool>(DATABASE);
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(PREFIX);
  const uiConfig = { boardTitle: 'Gatewarden deployments', hideDocsLink: true, showWorkers: false };
  // The two packages bring two releases of the same interface with them.
  const adapter = serverAdapter as unknown as IServerAdapter;
  const board = createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig } });
  let shown: ReadonlyMap<string, EnvironmentQueueAdapter> = new Map();
  const look = async (): Promise<void> => {
    const found = await environments(database);
    const adapterOf = ({ id, name }: { id: string; name: string }) =>
      shown.get(id) ?? new EnvironmentQueueAdapter(queues.of(id), name);
    shown = new Map(found.map((environment) => [environment.id, adapterOf(environment)]));
    board.replaceQueues([...shown.values()]);
  };
  const instance = app.getHttpAdapter().getInstance();
  await instance.register(
    async (scope) => {
      scope.addHook('onRequest', hardened);
      // Environments come and go while the process runs.
      scope.addHook('preHandler', look);
      await scope.register(serverAdapter.registerPlugin());
    },
    { prefix: PREFIX },
  );
}
