import type { Slice } from '../../slice.ts';
import { DeployHistoriesController } from './deploy-histories.controller.ts';
import { GetDeployHistoryHandler, ListDeployHistoriesHandler } from './deploy-histories.queries.ts';
import {
  CompareRevisionsHandler,
  GetRevisionHandler,
  ListProxyEventsHandler,
  ListRevisionsHandler,
} from './history-queries.ts';
import { HistoryController } from './history.controller.ts';
import { RollBackToDeploymentHandler, RollBackToRevisionHandler } from './rollback.handlers.ts';

/** A part of the slice of proxies: what it reads and changes is theirs. */
export const historySlice: Slice = {
  controllers: [HistoryController, DeployHistoriesController],
  providers: [
    ...[ListProxyEventsHandler, ListRevisionsHandler, GetRevisionHandler, CompareRevisionsHandler],
    ...[ListDeployHistoriesHandler, GetDeployHistoryHandler],
    ...[RollBackToRevisionHandler, RollBackToDeploymentHandler],
  ],
};
