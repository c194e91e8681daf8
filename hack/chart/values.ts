import { z } from 'zod';

import { defaultOptions } from '../../src/sim/index.ts';
import { operatorFlags, simulatorFlags } from './flags.ts';
import { podValues } from './pod-values.ts';
import { metricsValues, networkPolicyValues } from './surroundings-values.ts';
import { count, flag, group, object, text, texts } from './shapes.ts';

/**
 * The values of the chart: from here come values.yaml with its comments, values.schema.json, and the table of the README.
 * `make generate`.
 */
export const chartValues = z.strictObject({
  nameOverride: text('', "Takes the place of the chart's name in the names of all objects."),
  fullnameOverride: text('', 'Is the name of all objects, whatever the release is called.'),
  commonLabels: texts('Labels for all objects.'),
  replicas: count(
    2,
    { min: 0, max: 10 },
    'How many pods of the operator run. One of them leads and acts; the others keep up, and one takes over within the time of the lease.',
  ),
  flags: operatorFlags,
  shutdownGraceSeconds: count(
    25,
    { min: 1, max: 600 },
    'How long calls in flight may take to end when a pod is told to stop. The pod is given five seconds more.',
  ),
  ...podValues,
  rbac: group('What the operator, and the users of the cluster, may do.', {
    create: flag(true, 'Whether to make the roles of the operator. Without them somebody else has to grant the same.'),
    userRoles: flag(
      true,
      'Whether to make the ClusterRoles gpuvm-view and gpuvm-edit, which become part of "view", "edit" and "admin", and gpuvm-platform, for the team that pays.',
    ),
  }),
  crds: group('The CustomResourceDefinitions.', {
    install: flag(
      true,
      'Whether the chart installs them, and keeps them up to date on upgrade. Where keep is false, setting this to false deletes them, with all resources and their VMs: set keep to true first, by an upgrade of its own.',
    ),
    keep: flag(
      true,
      'Whether they stay when the chart is uninstalled. With false they go, and all resources with them; but a resource that has a VM is not gone until an operator has deleted the VM: delete the resources first. They go, too, when install is set to false.',
    ),
  }),
  account: accountValues(),
  simulator: simulatorValues(),
  metrics: metricsValues,
  networkPolicy: networkPolicyValues,
});

function accountValues(): z.ZodType {
  return group(
    'A GpuAccount: the organization at the provider that pays. It stays when the chart is uninstalled, and so does the Secret that the chart makes for it. As its kind has to be known to the cluster first, it is made by the second run where the first one installs the CRDs: run the same "helm upgrade --install" twice.',
    {
      create: flag(false, 'Whether to make one.'),
      name: text('default', 'Its name. VMs use "default" unless their spec.accountName says otherwise.'),
      spec: object(
        {},
        'Its spec, but for credentialsSecretRef: endpoint, requestsPerSecond, limits, allowedNamespaces, and so on. The simulator is the endpoint where there is one and none is given.',
      ),
      credentials: group('Its credentials: a Secret that exists, or a pair that the chart makes a Secret of.', {
        existingSecret: text('', 'Name of a Secret that has the keys api_key and api_token.'),
        namespace: text('', 'Namespace of that Secret. Default: that of the release.'),
        apiKey: text('', 'The api_key. Whoever may read the Secrets of the release can read it in the release, too.'),
        apiToken: text('', 'The api_token.'),
      }),
    },
  );
}

function simulatorValues(): z.ZodType {
  return group(
    'A stand-in for the provider in a pod of its own, for try-outs: nothing is rented and nothing paid. It forgets its VMs when it is restarted.',
    {
      enabled: flag(
        false,
        'Whether to run it. The operator is then allowed to call private addresses, as those of Services are.',
      ),
      flags: simulatorFlags,
      credentials: group('The pair that it accepts, and that the account is given.', {
        apiKey: text(defaultOptions.apiKey, 'The api_key.'),
        apiToken: text(defaultOptions.apiToken, 'The api_token.'),
      }),
      resources: object(
        { requests: { cpu: '10m', memory: '96Mi' }, limits: { memory: '256Mi' } },
        'Its resources, as in a container.',
      ),
    },
  );
}
