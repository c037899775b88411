// What each header name means in the question of a proxy, worked out once for each spelling from its class (header-class.ts).

import type { Settings } from '../../settings/settings.ts';
import { bySpelling, type ClassifyHeader, headerClass } from '../header-class.ts';

export type Style = Settings['forwardAuth']['style'];

/** Uses below `word` say what becomes of a header; `word` and above are places of the proxy's description. */
export const nameUse = {
  plain: 0,
  /** Of the connection between the proxy and us. */
  connection: 1,
  /** Announces a body, which stays with the proxy. */
  body: 2,
  upgrade: 3,
  /** May carry a credential. */
  credential: 4,
  /** Nothing a caller may say, but proxies do. */
  proxyWord: 5,
  /** Only Tollgate may say who the caller is, and only the proxy which path and host are meant. */
  spoof: 6,
  /** One of its entries may carry a credential. */
  protocols: 7,
  word: 8,
} as const;

/** The parts of a description, in the order of `words`. */
export const part = { method: 0, target: 1, url: 2, forwardedFor: 3, proto: 4, host: 5 } as const;

/** Names of the parts in each style; undefined: it has none. */
export const words: Readonly<Record<Style, readonly (string | undefined)[]>> = {
  original: [
    'X-Original-Method',
    'X-Original-URI',
    'X-Original-URL',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    undefined,
  ],
  forwarded: [
    'X-Forwarded-Method',
    'X-Forwarded-Uri',
    undefined,
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
  ],
  envoy: [undefined, undefined, undefined, 'X-Forwarded-For', 'X-Forwarded-Proto', undefined],
};

/** What proxies add of their own to what they ask with: it is not the caller's spoof. */
const addedByProxies =
  /^x-(?:real-ip|envoy-.*|forwarded-(?:port|server|scheme|client-cert|tls-client-cert(?:-info)?)|original-forwarded-for|auth-request-redirect)$/;

const ofConnection = new Set(['connection', 'keep-alive', 'te']);
const ofBody = new Set(['content-length', 'transfer-encoding']);

const useOf = (lower: string, kind: number): number => {
  if (ofConnection.has(lower)) return nameUse.connection;
  if (ofBody.has(lower)) return nameUse.body;
  if (addedByProxies.test(lower)) return nameUse.proxyWord;
  switch (kind) {
    case headerClass.upgrade:
      return nameUse.upgrade;
    case headerClass.authorization:
    case headerClass.bareCredential:
      return nameUse.credential;
    case headerClass.webSocketProtocol:
      return nameUse.protocols;
    case headerClass.forwarded:
      return nameUse.proxyWord;
    case headerClass.identity:
    case headerClass.proxyWord:
      return nameUse.spoof;
    case headerClass.drop:
      // `X_Forwarded_For` and the like, which some APIs take for the real name; and `Proxy` (CVE-2016-5385).
      return lower.includes('_') || lower === 'proxy' ? nameUse.spoof : nameUse.plain;
    default:
      return nameUse.plain;
  }
};

export interface QuestionNames {
  readonly useOf: (name: string) => number;
  /** How an entry of Sec-WebSocket-Protocol begins that carries a credential; undefined: none does. */
  readonly protocolPrefix: string | undefined;
  /**
   * For what is judged: as the gate's own, but that the proxy's description and its connection are nobody's. Nor is
   * `Forwarded`: X-Forwarded-For is where a proxy that asks names the caller, and it may pass on what a caller wrote there.
   */
  readonly classify: ClassifyHeader;
}

export const createQuestionNames = (
  style: Style,
  classify: ClassifyHeader,
  protocolPrefix: string | undefined,
): QuestionNames => {
  const own = words[style].map((name) => name?.toLowerCase());
  const use = bySpelling((lower, name): number => {
    const at = own.indexOf(lower);
    return at < 0 ? useOf(lower, classify(name)) : nameUse.word + at;
  });
  return {
    useOf: use,
    protocolPrefix,
    classify: (name) => {
      const found = use(name);
      const isOurs = found === nameUse.connection || found === nameUse.body;
      const isOfTarget = found >= nameUse.word && found <= nameUse.word + part.url;
      if (isOurs || isOfTarget) return headerClass.drop;
      const kind = classify(name);
      return kind === headerClass.forwarded ? headerClass.drop : kind;
    },
  };
};
