import type { Slice } from '../slice.ts';
import { CredentialChanges } from './credential-changes.ts';
import {
  ChangePasswordHandler,
  CreateCredentialHandler,
  DeleteCredentialHandler,
  ListCredentialsHandler,
  UpdateCredentialHandler,
} from './credential-handlers.ts';
import { CredentialsController } from './credentials.controller.ts';
import { credentialsProjection } from './credentials.projection.ts';

export const credentialsSlice: Slice = {
  controllers: [CredentialsController],
  providers: [
    CredentialChanges,
    ...[CreateCredentialHandler, UpdateCredentialHandler, ChangePasswordHandler, DeleteCredentialHandler],
    ListCredentialsHandler,
  ],
  projections: [credentialsProjection],
};
