# One image for every service: the command names the entry point. Node runs the TypeScript as it is, so the workspace
# keeps its layout; packages of the workspace must stay symlinks, since types are not stripped below node_modules.

FROM node:24-bookworm-slim AS packages
WORKDIR /plimsoll
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml .npmrc ./
COPY contracts/package.json contracts/
COPY dashboards/package.json dashboards/
COPY services/all/package.json services/all/
COPY services/customer-success/package.json services/customer-success/
COPY services/gateway/package.json services/gateway/
COPY services/kit/package.json services/kit/
COPY services/performance/package.json services/performance/
COPY services/reporting/package.json services/reporting/
COPY tools/package.json tools/
# Optional packages are Node and the embedded PostgreSQL, both of which a container has from elsewhere.
# Behind a proxy that signs for others: docker build --secret id=ca-bundle,src=FILE.
RUN --mount=type=cache,target=/root/.npm --mount=type=cache,target=/root/.local/share/pnpm --mount=type=secret,id=ca-bundle \
    if [ -s /run/secrets/ca-bundle ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca-bundle; fi; \
    npx -y pnpm@10.34.8 install --prod --no-optional --frozen-lockfile --filter @plimsoll/all...

FROM node:24-bookworm-slim
WORKDIR /plimsoll
# As tools/launch.mjs has it: 200 MB less a process, and nothing slower.
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=8 \
    MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=65536 \
    HOST=0.0.0.0 PORT=8080 OPS_PORT=9090 LOG_FORMAT=json \
    PLIMSOLL_HOME=/var/lib/plimsoll
RUN install -d -o node -g node /var/lib/plimsoll
COPY --from=packages /plimsoll ./
COPY LICENSE ./
COPY contracts contracts
COPY services services
USER node
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.OPS_PORT}/ready`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node"]
CMD ["services/all/main.ts"]
