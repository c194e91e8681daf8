import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GoProgress } from './build.ts';
import { etcdVersion, helmVersion, kubernetesVersion } from './versions.ts';

const goMod = (module: string): string => readFileSync(new URL(`../${module}/go.mod`, import.meta.url), 'utf8');

it('pins the same versions as the Go modules', () => {
  expect(goMod('kubernetes')).toContain(`k8s.io/kubernetes ${kubernetesVersion}`);
  expect(goMod('kubectl')).toContain(`k8s.io/kubernetes ${kubernetesVersion}`);
  expect(goMod('etcd')).toContain(`go.etcd.io/etcd/server/v3 ${etcdVersion}`);
  expect(goMod('helm')).toContain(`helm.sh/helm/v4 ${helmVersion}`);
});

it('shows the progress of a build and keeps the reason of its failure', () => {
  const progress = new GoProgress();
  expect(progress.describe()).toBe('starting');
  progress.add('go: downloading k8s.io/api v0.37.2\ngo: downloading go.uber.org/z');
  expect(progress.describe()).toBe('fetching modules, 1 so far');
  progress.add('ap v1.27.1\nk8s.io/api/core/v1\ngo.etcd.io/etcd/server/v3\n');
  expect(progress.describe()).toBe('compiling, 2 packages done');
  progress.add('# k8s.io/api\nx.go:1:1: no space left on device');
  expect(progress.lastWords()).toBe('# k8s.io/api\nx.go:1:1: no space left on device');
});
