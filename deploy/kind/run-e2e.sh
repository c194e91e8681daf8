#!/usr/bin/env bash
# Runs the end-to-end tests on a kind cluster of their own, which is deleted afterwards.
#
#   deploy/kind/run-e2e.sh
#   KIND_NODE_IMAGE=kindest/node:<version> deploy/kind/run-e2e.sh   another Kubernetes version
#   KEEP_CLUSTER=true deploy/kind/run-e2e.sh                        look at the cluster afterwards
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for tool in docker kind; do
  command -v "$tool" >/dev/null || { echo "$0: $tool is needed and not on the PATH" >&2; exit 1; }
done

cluster=gpuvm-e2e-$$
KUBECONFIG=$(mktemp)
export KUBECONFIG

clean_up() {
  if [[ ${KEEP_CLUSTER:-} == true ]]; then
    echo "The cluster stays: KUBECONFIG=$KUBECONFIG; delete it with: kind delete cluster --name $cluster"
  else
    kind delete cluster --name "$cluster"
    rm -f "$KUBECONFIG"
  fi
}
trap clean_up EXIT

kind create cluster --name "$cluster" --config deploy/kind/cluster.yaml --wait 120s \
  ${KIND_NODE_IMAGE:+--image "$KIND_NODE_IMAGE"}

USE_EXISTING_CLUSTER=true node hack/with-node.mjs node_modules/vitest/vitest.mjs run --project e2e
