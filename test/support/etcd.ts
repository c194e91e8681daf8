/**
 * Makes etcd forget how its state came about, by its JSON gateway. It keeps the event of the revision that it is compacted
 * to. The API server goes on to serve watches of most kinds from its own memory; of Events it keeps none.
 */
export async function compactEtcd(url: string): Promise<void> {
  const { header } = await call(`${url}/v3/kv/range`, { key: Buffer.from('/').toString('base64') });
  await call(`${url}/v3/kv/compaction`, { revision: header.revision });
}

async function call(url: string, body: object): Promise<{ readonly header: { readonly revision: string } }> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd refused ${url}: ${await answer.text()}`);
  return (await answer.json()) as { header: { revision: string } };
}
