import { pair, savedParams, type Inhabitants } from './inhabited.ts';
import { additionsTo, examples, readSaved, savedHostnode, type Json } from './saved.ts';
import { schemaOf } from './shape.ts';

/** The provider's own Postman collection, made ready to be run by newman against a simulator. */

interface Field {
  readonly key: string;
  value: string;
}

interface Script {
  readonly listen: string;
  readonly script: { readonly type: string; readonly exec: readonly string[] };
}

interface Item {
  readonly name: string;
  readonly item?: readonly Item[];
  readonly request?: { readonly method: string; url: string; readonly body?: { readonly urlencoded?: Field[] } };
  readonly response?: readonly { readonly body: string }[];
  event?: Script[];
}

export interface Collection {
  readonly item: readonly Item[];
}

const provider = 'https://dashboard.tensordock.com/api/v0/';

export interface Preparation {
  /** The API's base: "http://127.0.0.1:40123/api/v0". */
  readonly url: string;
  readonly ids: Inhabitants;
}

/** The endpoints in the collection's own order: "client/deploy/hostnodes/<hostnode_uuid>". */
export function endpointsOf(collection: Collection): string[] {
  return requestsOf(collection.item).map(endpointOf);
}

/** The bodies of the saved responses, in the collection's own order. */
export function savedBodiesOf(collection: Collection): Json[] {
  return requestsOf(collection.item).flatMap(({ response = [] }) =>
    response.map(({ body }) => JSON.parse(body) as Json),
  );
}

/**
 * A copy in which every URL leads to the simulator, blanks and placeholders are filled in, and every request has
 * assertions: the status, and that the answer has exactly the keys and JSON types of the saved response.
 */
export function prepare(collection: Collection, { url, ids }: Preparation): Collection {
  const copy = structuredClone(collection);
  for (const item of requestsOf(copy.item)) {
    const endpoint = endpointOf(item);
    fill(item, { ...pairFor(endpoint), ...fillIns(endpoint, ids) });
    item.event = [...(item.event ?? []), assertionsFor(endpoint, ids)];
    const path = endpoint.replace('<hostnode_uuid>', savedHostnode).replace('<container_id>', ids.container);
    // The query of "Available Hostnodes" belongs to its URL and is sent as it is.
    const query = /\?.*$/.exec(item.request.url)?.[0] ?? '';
    item.request.url = `${url}/${path}${query}`;
  }
  return copy;
}

type RequestItem = Item & { request: NonNullable<Item['request']> };

function requestsOf(items: readonly Item[]): RequestItem[] {
  return items.flatMap((item) => {
    if (item.item !== undefined) return requestsOf(item.item);
    return item.request === undefined ? [] : [item as RequestItem];
  });
}

function endpointOf({ request }: RequestItem): string {
  // The 22nd request has an empty URL; the one of its saved call is the path.
  if (request.url === '') return 'client/container/deploy';
  return request.url.replace(provider, '').replace(/\?.*$/, '');
}

/** Sets the fields that the collection has; one that it does not have would not be its request any more. */
function fill({ name, request }: RequestItem, values: Readonly<Record<string, string>>): void {
  const fields = request.body?.urlencoded ?? [];
  for (const [key, value] of Object.entries(values)) {
    const field = fields.find((one) => one.key === key);
    if (field === undefined) throw new Error(`"${name}" has no field ${key}`);
    field.value = value;
  }
}

function pairFor(endpoint: string): Readonly<Record<string, string>> {
  const isPost = examples.some((one) => one.method === 'POST' && one.endpoint === `/api/v0/${endpoint}`);
  return isPost && endpoint !== 'client/spot/validate/new' ? pair : {};
}

/** What is blank in the collection, or names something of somebody else's. */
function fillIns(endpoint: string, ids: Inhabitants): Readonly<Record<string, string>> {
  switch (endpoint) {
    case 'client/spot/validate/existing':
    case 'client/get/single':
      return { server: ids.outbid };
    case 'client/start/single':
    case 'client/delete/single':
      return { server: ids.released };
    case 'client/stop/single':
      return { server: ids.running, disassociate_resources: 'true' };
    case 'client/modify/single':
      return { ...savedParams('client-modify-single.200.json'), ...pair, server_id: ids.stopped };
    case 'client/container/deploy':
      return { ...savedParams('client-container-deploy.200.json'), ...pair };
    case 'client/container/scale':
      return { container_id: ids.container, replicas: '2' };
    case 'client/container/stop':
      return { container_id: ids.stoppable };
    case 'billing/summary':
      return { period: '2026-01' };
    default:
      return {};
  }
}

/** What must be true of the content, beside its shape. Names of Postman's sandbox. */
function contentOf(endpoint: string, ids: Inhabitants): string {
  switch (endpoint) {
    case 'client/list':
      return `pm.expect(answer.virtualmachines).to.include.keys('${ids.running}', '${ids.released}', '${ids.stopped}');`;
    case 'client/get/single':
      return "pm.expect(answer.virtualmachine).to.include({ status: 'Outbid', type: 'spot' });";
    case 'client/modify/single':
      return `pm.expect(answer.server).to.equal('${ids.stopped}');`;
    case 'client/deploy/single':
      return "pm.expect(answer.port_forwards).to.eql({ 30117: '80', 30118: '22' });";
    case 'client/spot/validate/new':
      return 'pm.expect(answer.success).to.equal(false);';
    case 'billing/summary':
      return "pm.expect(answer.bill_period).to.eql({ startM: '01', startY: '2026', endM: '02', endY: '2026' });";
    default:
      return "pm.expect(answer.success ?? 'none').to.not.equal(false);";
  }
}

function assertionsFor(endpoint: string, ids: Inhabitants): Script {
  const [example] = examples.filter((one) => one.endpoint === `/api/v0/${endpoint}`);
  if (example === undefined) throw new Error(`nothing is saved for ${endpoint}`);
  const schema = schemaOf(readSaved(example.file), additionsTo(endpoint));
  const exec = [
    "pm.test('status 200 and JSON', () => {",
    '  pm.response.to.have.status(200);',
    "  pm.expect(pm.response.headers.get('content-type')).to.equal('application/json');",
    '});',
    "pm.test('keys and types of the saved response', () => {",
    `  pm.response.to.have.jsonSchema(${JSON.stringify(schema)});`,
    '});',
    "pm.test('content', () => {",
    '  const answer = pm.response.json();',
    `  ${contentOf(endpoint, ids)}`,
    '});',
  ];
  return { listen: 'test', script: { type: 'text/javascript', exec } };
}
