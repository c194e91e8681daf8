import type { z } from 'zod';

import { flag, group, object, objects, oneOf, text, texts } from './shapes.ts';

/** What the operator's pods are made of. */
export const podValues: Readonly<Record<string, z.ZodType>> = {
  image: group('The image, of the operator and of everything else that the chart runs.', {
    repository: text('ghcr.io/gpuvm-dev/gpuvm-operator', 'Where it is.'),
    tag: text('', 'Its tag. Default: the appVersion of the chart.'),
    digest: text('', 'Its digest, such as sha256:…, which counts more than the tag.'),
    pullPolicy: oneOf(['IfNotPresent', 'Always', 'Never'], 'When it is pulled.'),
  }),
  imagePullSecrets: objects('Secrets to pull it with, such as {name: registry}.'),
  resources: object(
    { requests: { cpu: '50m', memory: '192Mi' }, limits: { memory: '512Mi' } },
    'Resources of the container. There is no limit of CPU, as one would hold up what has to be done in time.',
  ),
  podSecurityContext: object(
    { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    'The securityContext of the pods. Where the cluster chooses users itself, as OpenShift does, set runAsUser and runAsGroup to null.',
  ),
  securityContext: object(
    { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    'The securityContext of the containers.',
  ),
  extraEnv: objects('Environment variables for the operator, as in a container.'),
  extraVolumes: objects('Volumes for its pods.'),
  extraVolumeMounts: objects('Where its container mounts them.'),
  customCA: group(
    'Certificates of authorities that are trusted beside the usual ones, for a provider that is reached through something that ends TLS. One of both.',
    {
      configMap: text('', 'ConfigMap with the certificates, in PEM.'),
      secret: text('', 'Secret with them.'),
      key: text('ca.crt', 'Key in it.'),
    },
  ),
  serviceAccount: group('The ServiceAccount of the operator.', {
    create: flag(true, 'Whether to make it.'),
    name: text('', 'Its name. Default: that of all objects.'),
    annotations: texts('Its annotations.'),
  }),
  podLabels: texts('Labels of the pods.'),
  podAnnotations: texts('Annotations of the pods.'),
  nodeSelector: texts('Labels of the nodes that may run the pods.'),
  tolerations: objects('Taints that the pods tolerate.'),
  affinity: object({}, 'Affinity of the pods.'),
  topologySpreadConstraints: objects(
    'How the pods are spread. Default: over nodes and zones, as far as possible. An entry without labelSelector gets that of the pods.',
  ),
  priorityClassName: text('', 'Name of their PriorityClass.'),
  podDisruptionBudget: group('Keeps a drain from stopping all pods at once.', {
    enabled: flag(true, 'Whether to make a PodDisruptionBudget, of at most one pod that is not available.'),
  }),
};
