// The host of a request, and what a route's `host` says of it. Hosts are names: compared without case, port and final dot, so that
// no spelling of a name is another one. No I/O.

/** `api.example.com` alone, or `*.example.com`: every name below that, at any depth, and not itself. */
export interface HostPattern {
  readonly written: string;
  /** Lower case; of a wildcard what stands behind `*.`. */
  readonly name: string;
  readonly isWildcard: boolean;
}

/** RFC 1035 section 2.3.4. */
const nameLengthMax = 253;
/** Whatever names a machine; `_` is in some. A label is not empty. */
const nameSyntax = /^[a-z0-9_~-]+(?:\.[a-z0-9_~-]+)*$/;
const addressSyntax = /^\[[0-9a-f:.]+\]$/;

/** A host as it is compared; undefined where servers could read it as two: an empty label, or more than one final dot. */
export const normalHost = (written: string): string | undefined => {
  if (written.length > nameLengthMax + 8) return undefined;
  const host = written.toLowerCase().replace(/:\d{1,5}$/, '');
  if (addressSyntax.test(host)) return host;
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  return nameSyntax.test(name) ? name : undefined;
};

export const parseHostPattern = (written: string): HostPattern | { readonly fault: string } => {
  const isWildcard = written.startsWith('*.');
  const bare = isWildcard ? written.slice(2) : written;
  if (/[/@?#]/.test(bare))
    return { fault: 'is more than a host; write the name alone, e.g. api.example.com' };
  if (/:\d+$/.test(bare)) return { fault: 'has a port, which does not count; write the name alone' };
  if (bare.includes('*'))
    return { fault: '* stands for the first labels alone; write *.example.com, or no host for all' };
  if (/[^\0-\x7f]/.test(bare))
    return {
      fault: `is not ASCII; write it as browsers send it, e.g. ${URL.parse(`http://${bare}`)?.hostname ?? 'xn--...'}`,
    };
  const name = normalHost(bare);
  if (name === undefined || !/[a-z]/.test(name) || addressSyntax.test(name))
    return { fault: 'is no host name; write a name such as api.example.com, or *.example.com' };
  return { written, name, isWildcard };
};

/** Whether every host of `narrow` is one of `wide`; undefined: all hosts. */
export const coversHost = (wide: HostPattern | undefined, narrow: HostPattern | undefined): boolean => {
  if (wide === undefined || wide === narrow) return true;
  if (narrow === undefined) return false;
  if (!wide.isWildcard) return !narrow.isWildcard && narrow.name === wide.name;
  return narrow.name.endsWith(`.${wide.name}`) || (narrow.isWildcard && narrow.name === wide.name);
};

/** Positive: the first is the more exact: a name before a wildcard, a longer wildcard before a shorter one, and all hosts last. */
export const compareHosts = (one: HostPattern | undefined, other: HostPattern | undefined): number =>
  exactness(one) - exactness(other);

const exactness = (host: HostPattern | undefined): number => {
  if (host === undefined) return 0;
  return host.isWildcard ? host.name.length : nameLengthMax + 8 + host.name.length;
};
