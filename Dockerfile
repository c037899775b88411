# Tollgate as an image: compiled code and production dependencies only, an ordinary user, nothing to write but its data.
#
#   docker build -t tollgate .
#   docker run --read-only -e TOLLGATE_LISTEN=0.0.0.0:8080 -p 8080:8080 \
#     -v ./tollgate.yaml:/etc/tollgate/tollgate.yaml:ro -v tollgate:/var/lib/tollgate tollgate
#
# Without TOLLGATE_LISTEN, or `listen` in the file, it listens on the container's own loopback, which nobody outside reaches.
# test/system/docker.test.ts replays these steps: keep to FROM, WORKDIR, COPY and RUN with relative paths.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The install scripts only fetch a Node that this image already is.
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && chmod +x dist/main.js
RUN mkdir data

FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:26-slim
ENV NODE_ENV=production
ENV TOLLGATE_CONFIG=/etc/tollgate/tollgate.yaml
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# `docker exec NAME tollgate token list`: the command line, with the settings of the process that serves.
RUN mkdir -p ../usr/local/bin && ln -s ../../../app/dist/main.js ../usr/local/bin/tollgate
# The embedded store (sqlite:./tollgate.db) and its key live here; everything else may be read-only.
COPY --from=build --chown=1000:1000 /app/data /var/lib/tollgate
WORKDIR /var/lib/tollgate
VOLUME /var/lib/tollgate
USER 1000:1000
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
# Set TOLLGATE_OPS, or replace the check, where `ops` is another address. Kubernetes uses its own probes.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["node", "-e", "fetch(`http://${process.env.TOLLGATE_OPS ?? '127.0.0.1:9464'}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# A proxy's garbage is young and small: a young generation of 4 MB costs no measurable CPU and saves 15 to 90 MB resident.
ENTRYPOINT ["node", "--max-semi-space-size=4", "/app/dist/main.js"]
CMD ["serve"]
