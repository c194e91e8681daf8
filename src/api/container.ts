import * as z from 'zod';

import { cel, objectNameField, secretKeyRef } from './fields.ts';

/** One container on each member of a pool, in the spirit of the provider's retired container API (API reference, section 9). */

const envField = z
  .array(
    z
      .object({
        name: z
          .string()
          .min(1)
          .max(253)
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
          .describe('Name of the variable.'),
        value: z.string().max(8192).optional().describe('Its value, as it is: nothing in it is expanded.'),
        secretKeyRef: secretKeyRef.optional().describe('Secret in the same namespace that holds the value.'),
      })
      .meta(
        cel({
          rule: '!(has(self.value) && has(self.secretKeyRef))',
          message: 'value and secretKeyRef exclude each other',
        }),
      ),
  )
  .max(128)
  .default([])
  .describe('Environment variables of the container.');

const absolutePath = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^\/[^:\x00-\x1f]*$/);

export const containerField = z
  .object({
    image: z
      .string()
      .min(1)
      .max(512)
      .regex(/^[a-z0-9][A-Za-z0-9._:/@-]*$/)
      .describe('Image to run, such as ghcr.io/org/model-server:1.4 or with a digest.'),
    command: z.array(z.string().max(4096)).max(64).optional().describe("Instead of the image's entry point."),
    args: z.array(z.string().max(4096)).max(128).optional().describe("Instead of the image's command."),
    env: envField,
    ports: z
      .array(
        z.object({
          containerPort: z.int().min(1).max(65535).describe('Port that the container listens on.'),
          port: z
            .string()
            .min(1)
            .max(15)
            .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
            .describe('Name of the port of the VM, in template.spec.ports, that leads to it.'),
        }),
      )
      .max(32)
      .default([])
      .describe('Ports of the container that can be reached through ports of the VM.'),
    volumes: z
      .array(
        z.object({
          hostPath: absolutePath.describe('Directory on the disk of the VM; made if it is not there.'),
          mountPath: absolutePath.describe('Where the container sees it.'),
          readOnly: z.boolean().default(false).describe('Whether the container may only read it.'),
        }),
      )
      .max(32)
      .default([])
      .describe('Directories of the VM that the container sees.'),
    gpus: z.enum(['All', 'None']).default('All').describe('Whether the container gets the GPUs of the VM.'),
    registrySecretRef: z
      .object({ name: objectNameField.describe('Name of a Secret of type kubernetes.io/dockerconfigjson.') })
      .optional()
      .describe('Secret in the same namespace with the credentials of the registry.'),
  })
  .describe(
    'One container that each member runs, and restarts unless it was stopped. A change replaces the members. Excludes template.spec.cloudInit.',
  );
export type ContainerSpec = z.infer<typeof containerField>;
