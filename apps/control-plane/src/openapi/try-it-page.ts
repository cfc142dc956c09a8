import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fastifyStatic from '@fastify/static';
// The package's own entry runs the whole bundle, for nothing but this path.
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js';

const ASSETS_PREFIX = '/apiops/docs/assets/';
const ASSETS = new Set(['/swagger-ui.css', '/swagger-ui-bundle.js', '/favicon-32x32.png']);
const START_SCRIPT = '/apiops/docs/start.js';

/** The page's own script in a file of its own, so that the policy below can refuse every other one. */
const START = `window.ui = SwaggerUIBundle({
  url: '/apiops/openapi',
  dom_id: '#page',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
});
`;

/** Nothing from elsewhere, no inline script; Swagger UI sets styles inline. */
export const TRY_IT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const TRY_IT_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Gatewarden apiops</title>
    <link rel="stylesheet" href="${ASSETS_PREFIX}swagger-ui.css" />
    <link rel="icon" href="${ASSETS_PREFIX}favicon-32x32.png" />
  </head>
  <body>
    <div id="page"></div>
    <script src="${ASSETS_PREFIX}swagger-ui-bundle.js"></script>
    <script src="${START_SCRIPT}"></script>
  </body>
</html>
`;

/** The files of the page at `/apiops/docs`, and no others of their package. */
export async function serveTryItAssets(app: NestFastifyApplication): Promise<void> {
  const instance = app.getHttpAdapter().getInstance();
  await instance.register(fastifyStatic, {
    root: getAbsoluteFSPath(),
    prefix: ASSETS_PREFIX,
    decorateReply: false,
    allowedPath: (pathName) => ASSETS.has(pathName),
    setHeaders: (reply) => void reply.header('x-content-type-options', 'nosniff'),
  });
  instance.get(START_SCRIPT, (_request, reply) => reply.type('text/javascript; charset=utf-8').send(START));
}
