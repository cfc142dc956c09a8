import { TOKEN_DIRECTORY } from '../http/access/token-directory.port.ts';
import type { Slice } from '../slice.ts';
import { AccessTokenDirectory } from './access-token-directory.ts';
import { CreateTokenHandler, ListTokensHandler, RevokeTokenHandler } from './access-token-handlers.ts';
import { AccessTokensController } from './access-tokens.controller.ts';
import { ProjectNameCheck } from './project-names.ts';
import { Sessions } from './sessions.ts';
import { SignInController } from './sign-in.controller.ts';

export const accessTokensSlice: Slice = {
  controllers: [AccessTokensController, SignInController],
  providers: [
    ...[CreateTokenHandler, RevokeTokenHandler, ListTokensHandler],
    ...[AccessTokenDirectory, ProjectNameCheck, Sessions],
    { provide: TOKEN_DIRECTORY, useExisting: AccessTokenDirectory },
  ],
};
