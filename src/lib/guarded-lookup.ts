import { lookup as systemLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

import { whyOutOfReach } from './addresses.ts';

/** A connection was not even tried, since it would have led where the operator must not be aimed at. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
}

type LookupAll = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface GuardOptions {
  readonly allowPrivate: boolean;
  /** Default: the system's resolver. */
  readonly lookup?: LookupAll;
}

/** Throws for a host that is an address out of reach. A name passes: its addresses are judged by `guardedLookup`. */
export function assertInReach(host: string, options: GuardOptions): void {
  const why = isIP(host) === 0 ? undefined : whyOutOfReach(host, options);
  if (why !== undefined) throw new ForbiddenAddressError(`${why}, where nothing is sent`);
}

/**
 * For the `lookup` option of a socket. A name with one address out of reach is refused as a whole: with a choice, whoever
 * owns the name could have the forbidden one tried when the others fail. The socket connects to the very addresses that
 * were judged here: a second answer of the name server cannot put others in their place.
 */
export function guardedLookup(options: GuardOptions): LookupFunction {
  const lookup = options.lookup ?? systemLookup;
  return (host, asked, callback) => {
    const { family, hints } = asked;
    lookup(host, { family, hints, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, [], 0);
        return;
      }
      const why = addresses.map(({ address }) => whyOutOfReach(address, options)).find((found) => found !== undefined);
      const [first] = addresses;
      if (why !== undefined)
        callback(new ForbiddenAddressError(`"${host}" cannot be used: ${why}, where nothing is sent`), [], 0);
      else if (asked.all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family);
    });
  };
}
