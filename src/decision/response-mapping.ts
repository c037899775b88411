// What an API says of its own place, mapped back to how its caller sees it (`mapResponses`): Location, Content-Location, and Path
// and Domain of Set-Cookie, as nginx's proxy_redirect, proxy_cookie_path and proxy_cookie_domain do. Values only.

import { parseAddress } from './address-rule.ts';
import { authorityOf } from './http-text.ts';
import { pathOf } from './path.ts';
import type { RouteRule } from './route-rule.ts';

/** Of one request. */
export interface AnswerMap {
  /** A prefix of the API's paths, and the one of callers that stands for it; empty: none. */
  readonly from: string;
  readonly to: string;
  /** Scheme and authority of the API, as they are in its settings. */
  readonly origin: string;
  /** Host of the request; undefined: it has none. */
  readonly callerHost: string | undefined;
}

export const answerMapOf = (
  { rewrite }: Pick<RouteRule, 'rewrite'>,
  callerTarget: string,
  forwardedTarget: string,
  origin: string,
  callerHost: string | undefined,
): AnswerMap => ({
  from: firstSegments(pathOf(forwardedTarget), rewrite?.newPrefix ?? 0),
  to: firstSegments(pathOf(callerTarget), rewrite?.callerPrefix ?? 0),
  origin,
  callerHost,
});

const firstSegments = (path: string, count: number): string => path.split('/', count + 1).join('/');

/** In place; raw names and values in turn. */
export const mapAnswer = (pairs: string[], map: AnswerMap): void => {
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const name = (pairs[at] ?? '').toLowerCase();
    const value = pairs[at + 1] ?? '';
    if (name === 'location' || name === 'content-location') pairs[at + 1] = mapReference(value, map);
    else if (name === 'set-cookie') pairs[at + 1] = mapCookie(value, map);
  }
};

/** A URI reference with an authority (RFC 3986 section 4.2), with a scheme or without. */
const withAuthority = /^(?:(https?):)?\/\/([^/?#]*)([^?#]*)(.*)$/i;
const pathAlone = /^(\/(?!\/)[^?#]*)(.*)$/;

/**
 * What names the API's own address becomes a path, which holds whatever scheme and host the caller came by; what names the
 * caller's host keeps that, for a redirect to https. Other hosts, and relative paths, mean the same to the caller.
 */
const mapReference = (value: string, map: AnswerMap): string => {
  const [, path, behind = ''] = pathAlone.exec(value) ?? [];
  if (path !== undefined) {
    const mapped = mapPath(path, map);
    return (mapped === path ? path : withoutHost(mapped)) + behind;
  }
  const [, scheme, authority, ownPath = '', rest = ''] = withAuthority.exec(value) ?? [];
  if (authority === undefined) return value;
  const mapped = mapPath(ownPath === '' ? '/' : ownPath, map);
  if (map.callerHost !== undefined && isSameAuthority(authority, map.callerHost, scheme ?? 'http'))
    return `${value.slice(0, value.indexOf('//') + 2)}${authority}${mapped}${rest}`;
  const [ownScheme = ''] = map.origin.split(':');
  const isOwn = scheme === undefined || scheme.toLowerCase() === ownScheme;
  return isOwn && isSameAuthority(authority, authorityOf(map.origin), ownScheme)
    ? withoutHost(mapped) + rest
    : value;
};

/**
 * Without its prefix `/api//evil.example` would name another host; browsers take `\\` for `/`, and no notice of tabs. `/.` keeps it a
 * path, as the URL standard's serializer does.
 */
const withoutHost = (path: string): string => (/^\/\t*[/\\]/.test(path) ? `/.${path}` : path);

const isSameAuthority = (one: string, other: string, scheme: string): boolean =>
  withoutDefaultPort(one, scheme) === withoutDefaultPort(other, scheme);

const withoutDefaultPort = (authority: string, scheme: string): string =>
  authority.toLowerCase().replace(scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/, '');

/** Outside of what the route leads to, a path stays as it is. */
const mapPath = (path: string, { from, to }: AnswerMap): string => {
  if (path === from) return to === '' ? '/' : to;
  return path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
};

/** RFC 6265 section 4.1. A `__Host-` cookie has the path / and no domain, or browsers drop it. */
const mapCookie = (value: string, map: AnswerMap): string => {
  const [pair = '', ...attributes] = value.split(';');
  if (/^\s*__host-/i.test(pair)) return value;
  const mapped = attributes.flatMap((attribute) => {
    const [, name = '', written = ''] = /^(\s*[A-Za-z]+\s*=\s*)(.*)$/.exec(attribute) ?? [];
    const lower = name.trim().toLowerCase();
    if (/^path\s*=$/.test(lower)) return [name + mapCookiePath(written, map)];
    if (!/^domain\s*=$/.test(lower)) return [attribute];
    const domain = mapDomain(written, map);
    return domain === undefined ? [] : [name + domain];
  });
  return [pair, ...mapped].join(';');
};

/** The path /files covers /files/x; /files/ would not cover /files. */
const mapCookiePath = (written: string, map: AnswerMap): string => {
  const path = written.trim();
  if (!path.startsWith('/')) return written;
  if (path === '/' && map.from === '') return map.to === '' ? '/' : map.to;
  return mapPath(path, map);
};

/** The API's own name becomes the caller's; undefined where that is an address, which no cookie can be for but by default. */
const mapDomain = (written: string, { origin, callerHost }: AnswerMap): string | undefined => {
  const domain = written.trim().toLowerCase().replace(/^\./, '');
  const own = hostnameOf(authorityOf(origin));
  const caller = callerHost === undefined ? undefined : hostnameOf(callerHost);
  if (domain !== own || domain === caller) return written;
  return caller === undefined ||
    caller.startsWith('[') ||
    parseAddress(caller) !== undefined ||
    !caller.includes('.')
    ? undefined
    : caller;
};

const hostnameOf = (authority: string): string => authority.toLowerCase().replace(/:\d*$/, '');
