import { invalid, jsonAnswer, Refusal, success, type Answer } from '../answers.ts';
import type { Fields } from '../fields.ts';
import { sortedJson, type JsonObject } from '../json.ts';
import { toNumber, type Nanos } from '../nanos.ts';
import type { Container, ContainerReplica, Host, VmSize, World } from '../state.ts';
import { computePrice, hasCompute, notEnoughResources, storagePrice } from '../stock.ts';
import type { Call, Endpoint } from './endpoint.ts';

/**
 * API reference 9: the provider supports containers no longer. They are answered as recorded, for completeness: nothing
 * here takes stock or costs money, and no VM of theirs is in client/list.
 */
const deploy: Endpoint = { path: 'client/container/deploy', method: 'POST', auth: 'required', handle: deployContainer };

/** `replicas` is how many to add; negative numbers take away. */
const scale: Endpoint = {
  path: 'client/container/scale',
  method: 'POST',
  auth: 'required',
  handle: (world, { fields }) => {
    const container = findContainer(world, fields.text('container_id'));
    const change = fields.signedInteger('replicas');
    const wanted = container.replicas.length + change;
    if (wanted < 0 || wanted > mostReplicas) throw invalid(`replicas would be ${String(wanted)}`);
    while (container.replicas.length > wanted) container.replicas.pop();
    while (container.replicas.length < wanted) addReplica(world, container);
    return success();
  },
};

const stop: Endpoint = {
  path: 'client/container/stop',
  method: 'POST',
  auth: 'required',
  handle: (world, { fields }) => {
    world.containers.delete(findContainer(world, fields.text('container_id')).id);
    return success();
  },
};

/** Has no `success`; ports are two parallel lists here. */
const replicas: Endpoint = {
  path: 'client/container/<container_id>/replicas',
  method: 'GET',
  auth: 'optional',
  handle: (world, { pathId }) => {
    const container = findContainer(world, pathId);
    return jsonAnswer(200, sortedJson({ result: container.replicas.map((one) => describe(container, one)) }));
  },
};

const mostReplicas = 100;
const mostContainers = 200;
const countRange = { least: 1, most: mostReplicas };
/** Either kind of quotes, so that a list printed by Python and one printed as JSON are both understood. */
const modelListPattern = /^\[\s*(['"])[^'"]+\1(?:\s*,\s*\1[^'"]+\1)*\s*\]$/;

function deployContainer(world: World, { fields }: Call): Answer {
  for (const name of ['display_name', 'project_id', 'image_name']) fields.text(name);
  if (fields.text('registry_type').trim() !== 'public') throw invalid('registry_type must be public');
  const count = fields.integer('replicas', countRange);
  const port = fields.integer('networking_port', { least: 1, most: 65_535 });
  const { host, size } = choosePlace(world, fields);
  if (world.containers.size >= mostContainers) throw notEnoughResources();
  const id = world.ids.uuid();
  const name = fields.text('display_name').slice(0, 60);
  const rate = rateOf(host, size);
  const container: Container = { id, name, port, host, rate, replicas: [] };
  world.containers.set(id, container);
  while (container.replicas.length < count) addReplica(world, container);
  return success();
}

/** The first of the models, in the order of preference, that a host has within the price. */
function choosePlace(world: World, fields: Fields): { host: Host; size: VmSize } {
  const gpuCount = fields.integer('gpu_count', { least: 1, most: 64 });
  const vcpus = fields.integer('vcpus', { least: 1, most: 1024 });
  const ram = fields.integer('ram', { least: 1, most: 16_384 });
  const storage = fields.integer('storage', { least: 1, most: 100_000 });
  const mostRate = fields.price('max_vm_rate_hourly');
  for (const gpuModel of readModels(fields)) {
    const size = { gpuModel, gpuCount, vcpus, ram, storage };
    const fits = (host: Host): boolean =>
      host.gpus.has(gpuModel) && hasCompute(host, size) && rateOf(host, size) <= mostRate;
    const host = [...world.hosts.values()].find((candidate) => candidate.online && fits(candidate));
    if (host !== undefined) return { host, size };
  }
  throw notEnoughResources();
}

/** `['v100-sxm2-16gb','l40-pcie-48gb']` */
function readModels(fields: Fields): string[] {
  const text = fields.text('gpu_models').trim();
  if (!modelListPattern.test(text)) throw invalid("gpu_models must be a list like ['v100-sxm2-16gb','l40-pcie-48gb']");
  return [...text.matchAll(/['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '');
}

function rateOf(host: Host, size: VmSize): Nanos {
  return computePrice(host, size) + storagePrice(host, size);
}

function addReplica(world: World, container: Container): void {
  const first = 47_900 + 2 * container.replicas.length;
  container.replicas.push({ vmId: world.ids.uuid(), externalPorts: [first, first + 1] });
}

function describe({ host, port, rate }: Container, { vmId, externalPorts }: ContainerReplica): JsonObject {
  return {
    external_ports: externalPorts,
    hostnode_uptime_url: host.report.replace(/\/$/, ''),
    internal_ports: [22, port],
    ip_address: host.address,
    rate_hourly: toNumber(rate),
    vm_uuid: vmId,
  };
}

function findContainer(world: World, id: string): Container {
  const container = world.containers.get(id.trim().toLowerCase());
  if (container === undefined) throw new Refusal('unknown', 'Container not found');
  return container;
}

export const containerEndpoints = [deploy, scale, stop, replicas];
