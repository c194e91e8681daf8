# One bundled file on a bare Debian, run by a user who is not root. npm and the sources stay in the build stage.
# Both bases are arguments, so that a release can pin them by digest.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# The image brings its own Node.js; the optional packages are other copies of it, except esbuild's binary.
RUN npm ci
COPY . .
RUN node hack/build.ts

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="gpuvm-operator" \
      org.opencontainers.image.description="Rent GPU VMs with kubectl apply" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /src/dist/gpuvm.mjs /src/dist/gpuvm.mjs.LEGAL.txt /src/dist/THIRD-PARTY-NOTICES.txt /src/LICENSE /app/
ENV NODE_ENV=production
# Numeric, so that Kubernetes can check runAsNonRoot without /etc/passwd.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/app/gpuvm.mjs"]
CMD ["operator"]
