# One bundled file, Node.js and the libraries that it is linked with: no npm, no sources, no shell, and a user who is not root.
# The base of the build stage is an argument, so that a release can pin it by digest.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
# For buildx with --sbom: what the bundle and the libraries were made of is in package-lock.json and in the build stage. In the
# last one there is no package left that anybody could find.
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true

FROM ${NODE_IMAGE} AS build
ARG BUILDKIT_SBOM_SCAN_STAGE=true
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# The image brings its own Node.js; the optional packages are other copies of it, except esbuild's binary.
RUN npm ci
COPY . .
RUN node hack/build.ts && sh hack/image/root.sh /root-fs

FROM scratch
LABEL org.opencontainers.image.title="gpuvm-operator" \
      org.opencontainers.image.description="Rent GPU VMs with kubectl apply" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /root-fs/ /
COPY --from=build /src/dist/gpuvm.mjs /src/dist/gpuvm.mjs.LEGAL.txt /src/dist/THIRD-PARTY-NOTICES.txt /src/LICENSE /app/
# The C library would keep an arena for each thread of Node.js, which they fill by turns: 14 MB of 154 (docs/performance.md).
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
# Numeric, so that Kubernetes can check runAsNonRoot without /etc/passwd.
USER 65532:65532
# V8 lets its heap grow to several times what is alive, to collect less often. These halve the most that is resident in a
# burst of a thousand VMs, for somewhat more CPU (docs/performance.md).
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=4", "--heap-growing-percent=25", "/app/gpuvm.mjs"]
CMD ["operator"]
