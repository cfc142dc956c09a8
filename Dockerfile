# One image for every program; the command chooses which.
FROM node:20-bookworm-slim AS build
WORKDIR /gatewarden
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY apps apps
COPY libs libs
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /gatewarden
COPY --from=build /gatewarden/package.json ./
COPY --from=build /gatewarden/node_modules node_modules
COPY --from=build /gatewarden/dist dist
COPY deploy/compose deploy/compose
USER node
CMD ["node", "dist/apps/control-plane/src/main.js"]
