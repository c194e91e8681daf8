#!/usr/bin/env bash
# Installs the chart on a kind cluster of its own, with the image of this checkout, and rents a VM of the simulator; then runs the
# end-to-end tests there. The cluster is deleted afterwards.
#
#   deploy/kind/run-e2e.sh
#   KIND_NODE_IMAGE=kindest/node:<version> deploy/kind/run-e2e.sh   another Kubernetes version
#   KEEP_CLUSTER=true deploy/kind/run-e2e.sh                        look at the cluster afterwards
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for tool in docker kind kubectl helm; do
  command -v "$tool" >/dev/null || { echo "$0: $tool is needed and not on the PATH" >&2; exit 1; }
done

cluster=gpuvm-e2e-$$
image=gpuvm-operator:e2e
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

IMAGE="$image" hack/image/build.sh
kind load docker-image "$image" --name "$cluster"

chart() {
  helm upgrade --install gpuvm-operator charts/gpuvm-operator --namespace gpuvm-system --create-namespace --wait --timeout 3m \
    --set image.repository="${image%:*}" --set image.tag="${image#*:}" --set simulator.enabled=true --set account.create=true
}
# The account comes with the second run: before the first one the cluster does not know its kind.
chart
chart
kubectl wait --for=condition=Ready gpuaccount/default --timeout=2m
helm test gpuvm-operator --namespace gpuvm-system --logs
kubectl apply -f deploy/samples/gpuvm.yaml
kubectl wait --for=condition=Ready gpuvm/trainer --timeout=5m
kubectl get gpuvms
# In the right order, so that the tests find a cluster without an operator and without resources.
kubectl delete -f deploy/samples/gpuvm.yaml --timeout=2m
kubectl delete gpuaccounts --all --timeout=2m
helm uninstall gpuvm-operator --namespace gpuvm-system --wait

USE_EXISTING_CLUSTER=true node hack/with-node.mjs node_modules/vitest/vitest.mjs run --project e2e
