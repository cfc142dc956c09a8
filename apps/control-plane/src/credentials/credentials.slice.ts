import type { Slice } from '../slice.ts';
import { GrantAccessHandler, RevokeAccessHandler } from './credential-access-handlers.ts';
import { CredentialAccessController } from './credential-access.controller.ts';
import { CredentialChanges } from './credential-changes.ts';
import {
  ChangePasswordHandler,
  CreateCredentialHandler,
  DeleteCredentialHandler,
  UpdateCredentialHandler,
} from './credential-handlers.ts';
import { GetCredentialHandler, ListCredentialsHandler } from './credential-views.ts';
import { CredentialsController } from './credentials.controller.ts';
import { credentialsProjection } from './credentials.projection.ts';
import { CREDENTIAL_UPCASTERS } from './domain/credential.upcasters.ts';
import { RefreshFamiliesController } from './refresh-families.controller.ts';
import { ListRefreshFamiliesHandler, RevokeRefreshFamiliesHandler } from './refresh-family-handlers.ts';
import { ChangeTokenSettingsHandler, ResetTokenSettingsHandler } from './token-settings-handlers.ts';

export const credentialsSlice: Slice = {
  controllers: [CredentialsController, CredentialAccessController, RefreshFamiliesController],
  providers: [
    CredentialChanges,
    ...[CreateCredentialHandler, UpdateCredentialHandler, ChangePasswordHandler, DeleteCredentialHandler],
    ...[ListCredentialsHandler, GetCredentialHandler],
    ...[GrantAccessHandler, RevokeAccessHandler],
    ...[ChangeTokenSettingsHandler, ResetTokenSettingsHandler],
    ...[ListRefreshFamiliesHandler, RevokeRefreshFamiliesHandler],
  ],
  projections: [credentialsProjection],
  upcasters: CREDENTIAL_UPCASTERS,
};
