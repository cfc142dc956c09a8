import { KEY_STORE_CHECK } from '../api-proxies/key-store-check.port.ts';
import type { Slice } from '../slice.ts';
import { ENVIRONMENT_KEYS } from './environment-keys.port.ts';
import { KeyStoreChanges } from './key-store-changes.ts';
import {
  DeleteKeyStoreHandler,
  GenerateKeyStoreHandler,
  GetKeyStoresHandler,
  ImportKeyStoreHandler,
  ReplaceKeyStoreHandler,
} from './key-store-handlers.ts';
import { KeyStoresController } from './key-stores.controller.ts';
import { PolicyKeyCheck } from './policy-key-check.ts';
import { RotateKeysHandler } from './rotate-keys.handler.ts';
import { StoredEnvironmentKeys } from './stored-environment-keys.ts';

export const keyStoresSlice: Slice = {
  controllers: [KeyStoresController],
  providers: [
    KeyStoreChanges,
    ...[ImportKeyStoreHandler, GenerateKeyStoreHandler, ReplaceKeyStoreHandler, DeleteKeyStoreHandler],
    ...[RotateKeysHandler, GetKeyStoresHandler],
    { provide: KEY_STORE_CHECK, useClass: PolicyKeyCheck },
    { provide: ENVIRONMENT_KEYS, useClass: StoredEnvironmentKeys },
  ],
};
