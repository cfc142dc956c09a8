import { KEY_STORE_CHECK } from '../api-proxies/key-store-check.port.ts';
import type { Slice } from '../slice.ts';
import { ENVIRONMENT_KEYS } from './environment-keys.port.ts';
import { KeyStoreChanges } from './key-store-changes.ts';
import {
  DeleteKeyStoreHandler,
  GenerateKeyStoreHandler,
  ImportKeyStoreHandler,
  ReplaceKeyStoreHandler,
} from './key-store-handlers.ts';
import { KeyWork } from './key-work.ts';
import { KeyStoresController } from './key-stores.controller.ts';
import { PolicyKeyCheck } from './policy-key-check.ts';
import { GetKeyStoresHandler } from './key-stores.query.ts';
import { RotateKeysHandler } from './rotate-keys.handler.ts';
import { ForceRotationHandler, GetRotationHandler, OrderRotationHandler } from './rotation-handlers.ts';
import { RotationMetrics } from './rotation-metrics.ts';
import { RotationRunner } from './rotation-runner.ts';
import { RotationSteps } from './rotation-steps.ts';
import { RotationsController } from './rotations.controller.ts';
import { StoredEnvironmentKeys } from './stored-environment-keys.ts';

export const keyStoresSlice: Slice = {
  controllers: [KeyStoresController, RotationsController],
  providers: [
    ...[KeyStoreChanges, KeyWork],
    ...[ImportKeyStoreHandler, GenerateKeyStoreHandler, ReplaceKeyStoreHandler, DeleteKeyStoreHandler],
    ...[RotateKeysHandler, GetKeyStoresHandler, OrderRotationHandler, ForceRotationHandler, GetRotationHandler],
    ...[RotationSteps, RotationRunner, RotationMetrics],
    { provide: KEY_STORE_CHECK, useClass: PolicyKeyCheck },
    { provide: ENVIRONMENT_KEYS, useClass: StoredEnvironmentKeys },
  ],
};
