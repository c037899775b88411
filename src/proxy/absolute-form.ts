// A target in absolute form, `GET http://host/path` (RFC 9112 section 3.2.2): what the same request says in origin form. The
// authority takes the place of Host, so that nobody behind this reads another host than the one of the target. It judges nothing.

import { isHost } from './hygiene.ts';

/** What of a request is said in another way in absolute form. */
export interface TargetAndHost {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly httpVersion: string;
}

/** Scheme (in any case), authority, and the rest from its first `/` or `?`. */
const absoluteForm = /^https?:\/\/([^/?#]*)([/?].*)?$/i;

/**
 * The request in origin form, and the authority that stands for its Host; undefined for every other target. It stays as it
 * came, and is refused, where the authority is empty, has user information or is no host, and where Host is missing, stands
 * twice or is no host (section 3.2: 400 whatever the target says).
 */
export const originFormOf = ({
  method,
  target,
  rawHeaders,
  httpVersion,
}: TargetAndHost): (Pick<TargetAndHost, 'target' | 'rawHeaders'> & { readonly host: string }) | undefined => {
  const [, host = '', rest = ''] = absoluteForm.exec(target) ?? [];
  if (!isHost(host)) return undefined;
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (at < 0 && httpVersion !== '1.0') return undefined;
  if (at >= 0 && !isHost(rawHeaders[at + 1] ?? '')) return undefined;
  return {
    target: pathAndQuery(method, rest),
    // A second Host stays where it is, and is refused.
    rawHeaders: at < 0 ? [...rawHeaders, 'Host', host] : rawHeaders.with(at + 1, host),
    host,
  };
};

/** An empty path is `/`; of OPTIONS, without a query too, `*` (RFC 9112 section 3.2.4). */
const pathAndQuery = (method: string, rest: string): string => {
  if (rest === '') return method === 'OPTIONS' ? '*' : '/';
  return rest.startsWith('?') ? `/${rest}` : rest;
};
