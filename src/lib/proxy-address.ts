/** Where an HTTP proxy listens. */
export interface ProxyAddress {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads "http://proxy.example:3128". Undefined for anything else, such as a path, or a user and a password: these would be seen by
 * whoever may list processes.
 */
export function parseProxyUrl(text: string): ProxyAddress | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  const isPlain = username === '' && password === '' && pathname === '/' && search === '' && hash === '';
  if (protocol !== 'http:' || !isPlain || hostname === '') return undefined;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 80 : Number(port) };
}
