import * as z from 'zod';

import { expireAfterField, scheduleField } from './clock-fields.ts';
import {
  cel,
  type CelRule,
  configMapKeyRef,
  immutable,
  longestPortName,
  objectNameField,
  positiveMoneyField,
  secretKeyRef,
} from './fields.ts';

/** The parts of a VM's spec. GpuVm uses them all; the other kinds that make VMs share them. */

export const gpuField = z
  .object({
    models: z
      .array(
        z
          .string()
          .min(1)
          .max(100)
          .regex(/^[a-z0-9][-a-z0-9.]*$/),
      )
      .min(1)
      .max(16)
      .meta(
        cel({
          rule: 'self.all(m, self.exists_one(n, n == m))',
          message: 'each GPU model may be named once',
        }),
      )
      .describe(
        'GPU models in order of preference, as the provider spells them, such as geforcertx4090-pcie-24gb. The first one that can be had within the limits is taken.',
      ),
    count: z.int().min(1).max(16).default(1).describe('Number of GPUs.'),
  })
  .describe('Which GPUs, and how many.');

const locationField = z
  .object({
    country: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('Country, in English, such as United States. Case does not matter.'),
    region: z.string().min(1).max(100).optional().describe('State, province or region, such as Manitoba.'),
    city: z.string().min(1).max(100).optional().describe('City, such as Winnipeg.'),
  })
  .meta(
    cel({
      rule: 'has(self.country) || has(self.region) || has(self.city)',
      message: 'a location needs at least one of country, region and city',
      reason: 'FieldValueRequired',
    }),
  );

const hostnodesField = z.array(z.string().min(1).max(64)).min(1).max(64);

export const placementField = z
  .object({
    locations: z
      .array(locationField)
      .min(1)
      .max(32)
      .optional()
      .describe('Where the host may be: any of these. Absent: anywhere.'),
    minUptimePercent: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .describe('Least uptime of the host in percent, as the provider reports it, such as 99 or 99.9.'),
    hostnodes: hostnodesField.optional().describe('Only these hosts, by the UUID that the provider gives them.'),
    excludeHostnodes: hostnodesField.optional().describe('Never these hosts.'),
    strategy: z
      .enum(['Cheapest', 'MostReliable'])
      .default('Cheapest')
      .describe(
        'Among the hosts that fit: Cheapest takes the lowest hourly price, MostReliable the best uptime; the other decides between equals.',
      ),
  })
  .meta(
    cel({
      rule: '!(has(self.hostnodes) && has(self.excludeHostnodes))',
      message:
        'hostnodes and excludeHostnodes exclude each other: name the hosts you want, or the ones you do not want',
    }),
  )
  .describe('Where the VM may be deployed, and which host is preferred. Used when a VM is deployed, not afterwards.');

const portNumber = z.int().min(1).max(65535);
const portNameField = z
  .string()
  .min(1)
  .max(longestPortName)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

export const portsField = z
  .array(
    z.object({
      name: portNameField.describe('Name to refer to it by, such as ssh.'),
      internal: portNumber.describe('Port inside the VM. The external port is chosen from those free on the host.'),
    }),
  )
  .min(1)
  .max(64)
  .default([{ name: 'ssh', internal: 22 }])
  .meta(
    cel(
      {
        rule: 'self.all(p, self.exists_one(q, q.internal == p.internal))',
        message: 'each internal port may be forwarded once',
      },
      {
        rule: 'self.all(p, self.exists_one(q, q.name == p.name))',
        message: 'each port needs a name of its own',
      },
      immutable('ports'),
    ),
  )
  .describe(
    'Ports of the VM that can be reached from outside. Cannot be changed: the provider fixes them at deployment.',
  );

export const accessField = z
  .object({
    sshKeySecretRef: secretKeyRef
      .optional()
      .describe('Secret with an OpenSSH public key line that may log in as the VM user.'),
    passwordSecretRef: secretKeyRef
      .optional()
      .describe('Secret with the password of the VM user. Absent: one is generated into the connection Secret.'),
  })
  .describe('Who may log in. Used when a VM is deployed, not afterwards.');

export const cloudInitField = z
  .object({
    inline: z.string().min(1).max(65536).optional().describe('The cloud-config text itself.'),
    configMapRef: configMapKeyRef.optional().describe('ConfigMap in the same namespace that holds the text.'),
    secretRef: secretKeyRef.optional().describe('Secret in the same namespace that holds the text.'),
  })
  .meta(
    cel({
      rule: '(has(self.inline) ? 1 : 0) + (has(self.configMapRef) ? 1 : 0) + (has(self.secretRef) ? 1 : 0) == 1',
      message: 'exactly one of inline, configMapRef and secretRef is needed',
    }),
  )
  .describe(
    'A cloud-config that the provider appends to its own. A leading #cloud-config line is removed. Used when a VM is deployed, not afterwards.',
  );

export const readinessProbeField = z
  .object({
    tcpSocket: z
      .object({
        port: z
          .union([portNumber, portNameField])
          .meta({ 'x-kubernetes-int-or-string': true })
          .describe('Name or internal number of one of spec.ports.'),
      })
      .describe('Ready once a TCP connection to this port, through its forward, is accepted.'),
    periodSeconds: z.int().min(1).max(3600).default(10).describe('Seconds between two attempts.'),
    timeoutSeconds: z.int().min(1).max(60).default(3).describe('Seconds after which an attempt has failed.'),
    failureThreshold: z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('Failed attempts in a row after which a VM that was Ready is no longer.'),
  })
  .describe('When set, the VM is Ready only once the guest answers. Asked from where the operator runs.');

export const serviceField = z
  .object({
    name: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/)
      .optional()
      .describe('Name of the Service. Absent: that of the resource.'),
    ports: z
      .array(z.object({ name: portNameField.describe('Name of one of the ports of the VM.') }))
      .min(1)
      .max(64)
      .optional()
      .describe('Which of the ports are published. Absent: all.'),
  })
  .describe(
    'Publishes the ports as a Service without a selector, so that pods reach them by a cluster name at their internal numbers. Only a Ready VM gets traffic.',
  );

/** Everything that says what VM is wanted; shared by the kinds that make one VM. */
export const vmSpecFields = {
  accountName: objectNameField
    .default('default')
    .meta(cel(immutable('accountName')))
    .describe('Name of the GpuAccount that pays. Cannot be changed.'),
  gpu: gpuField,
  vcpus: z
    .int()
    .min(2)
    .max(512)
    .meta(cel({ rule: 'self % 2 == 0', message: 'vcpus must be even: the provider sells vCPUs in pairs' }))
    .describe('Number of vCPUs; even.'),
  memoryGB: z
    .int()
    .min(2)
    .max(4096)
    .meta(cel({ rule: 'self % 2 == 0', message: 'memoryGB must be even: the provider sells memory in steps of 2 GB' }))
    .describe('Memory in GB; even.'),
  storageGB: z
    .int()
    .min(20)
    .max(100000)
    .meta(
      cel({
        rule: 'self >= oldSelf',
        message: 'storageGB cannot be made smaller: a disk does not shrink; create a new resource for a smaller one',
        reason: 'FieldValueForbidden',
      }),
    )
    .describe('Disk in GB. Some operating systems need more than the least of 20 GB. Can grow, not shrink.'),
  operatingSystem: z
    .string()
    .min(1)
    .max(100)
    .default('Ubuntu 22.04 LTS')
    .meta(cel(immutable('operatingSystem')))
    .describe('Name of the operating system as the provider spells it, such as Ubuntu 22.04 LTS. Cannot be changed.'),
  maxHourlyPrice: positiveMoneyField
    .optional()
    .describe(
      'Most that the VM may cost per hour while it runs, compute and storage, in US dollars, such as "0.80". A VM that turns out dearer is deleted at once. Absent: no cap.',
    ),
  placement: placementField.default({ strategy: 'Cheapest' }),
  ports: portsField,
  access: accessField.default({}),
  cloudInit: cloudInitField.optional(),
  powerState: z
    .enum(['Running', 'Stopped', 'Released'])
    .default('Running')
    .describe(
      'Running; Stopped: shut down, everything kept and still billed in full; Released: shut down, GPU given back, only storage billed, may have to wait for room to start again.',
    ),
  readinessProbe: readinessProbeField.optional(),
  deletionPolicy: z
    .enum(['Delete', 'Retain'])
    .default('Delete')
    .describe(
      'What happens to the VM when the resource is deleted. Retain leaves it at the provider, where it goes on billing.',
    ),
  expireAfter: expireAfterField.optional(),
  schedule: scheduleField.optional(),
  service: serviceField.optional(),
  priority: z
    .int()
    .min(-1_000_000)
    .max(1_000_000)
    .default(0)
    .describe(
      'Where a GpuBudget, or the balance of the GpuAccount, has VMs stopped, those with the lowest priority are stopped first.',
    ),
} as const;

const probePortRule: CelRule = {
  rule: '!has(self.readinessProbe) || self.ports.exists(p, p.name == self.readinessProbe.tcpSocket.port || p.internal == self.readinessProbe.tcpSocket.port)',
  message: 'readinessProbe.tcpSocket.port must be the name or the internal number of one of spec.ports',
};

const servicePortsRule: CelRule = {
  rule: '!has(self.service) || !has(self.service.ports) || self.service.ports.all(s, self.ports.exists(p, p.name == s.name))',
  message: 'each of service.ports must be the name of one of spec.ports',
};

const expiryRule: CelRule = {
  rule: "!has(self.expireAfter) || self.deletionPolicy == 'Delete'",
  message: 'expireAfter needs deletionPolicy Delete: a VM that is retained would go on billing after it has expired',
};

/** Rules over several fields of a VM's spec. */
export const vmSpecRules: readonly CelRule[] = [probePortRule, servicePortsRule, expiryRule];

/** Those that the template of a pool, which has fewer fields, is held to as well. */
export const templateRules: readonly CelRule[] = [probePortRule];
