# Every target gets what it needs by itself: Node.js 24, npm packages, binaries of Kubernetes. Start with `make demo`.
.DEFAULT_GOAL := help
.PHONY: help setup packages demo bench bench-simulator test explore mutants chaos lint typecheck format generate \
	check-generated manifests build image clean

# Runs a script with a Node.js that is new enough, after installing the npm packages if they are not there.
NODE := node hack/with-node.mjs

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Get everything that demo and test need, for work without network
	@$(NODE) hack/setup.ts

packages: ## Get Node.js 24 and the npm packages: all that bin/gpuvm needs
	@$(NODE)

demo: ## Run API server, simulated provider and operator with samples; ONCE=1 ends when all converged and were deleted
	@$(NODE) hack/setup.ts --api-server
	@$(NODE) src/main.ts demo $(if $(filter 1 true yes,$(ONCE)),--once)

bench-simulator: packages ## Measure how fast client/list is with 5,000 VMs, and whether memory stays flat
	@$(NODE) hack/bench-simulator.ts

test: ## Run all tests, the end-to-end ones on a real API server
	@$(NODE) hack/test.ts

explore: ## Play random worlds: RUNS=100000 SEED=1, or SECONDS=60; KINDS=vm,spot,pool chooses
	@$(NODE) hack/explore/main.ts $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(KINDS),--kinds $(KINDS))

mutants: ## Put deliberate bugs into copies of the code and see each caught; ONLY=word for some
	@$(NODE) hack/mutants/run.ts $(if $(ONLY),'$(ONLY)')

chaos: ## Kill the operator 100 times and restart the API server 10 times; CHAOS_SEED, CHAOS_KILLS, CHAOS_RESTARTS, CHAOS_REPLICAS choose
	@$(NODE) hack/setup.ts --api-server
	@$(NODE) test/chaos/main.ts

bench: ## Measure the production bundle beside a minimal operator on controller-runtime: ONLY=burst RUNS=1 SCALE=0.1 choose, PROFILE=DIRECTORY
	@$(NODE) hack/setup.ts --api-server
	@$(NODE) test/bench/main.ts $(if $(ONLY),--only '$(ONLY)') $(if $(RUNS),--runs $(RUNS)) $(if $(SCALE),--scale $(SCALE)) \
	  $(if $(PROFILE),--profile '$(PROFILE)')

lint: packages ## Check rules, imports between layers, and formatting
	@npm run --silent lint

typecheck: packages ## Check the types
	@npm run --silent typecheck

format: packages ## Format all files
	@npm run --silent format

generate: ## Write crds/, the generated part of the chart, and the generated pages of docs/
	@$(NODE) hack/generate.ts

check-generated: ## Fail when a generated file is stale
	@$(NODE) hack/generate.ts --check

manifests: ## Write deploy/operator.yaml and deploy/install.yaml, which are rendered from the chart
	@$(NODE) hack/chart/render.ts
	@$(NODE) hack/generate.ts

build: ## Bundle the command into dist/gpuvm.mjs
	@$(NODE) hack/build.ts

image: packages ## Build the container image with docker, podman or buildah: IMAGE=name:tag; LOCAL_BASE=1 makes its base, too
	@hack/image/build.sh

clean: ## Remove dist/ (the per-user cache and node_modules/ stay)
	@rm -rf dist
