// What forward-auth does by the settings in force: who may ask, how a question is read, by what it is judged. A reload
// makes another one.

import type { Socket } from 'node:net';
import { createTrust, type TrustsAddress } from '../peer.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Running } from '../running.ts';
import { createQuestionNames, type QuestionNames, type Style } from './question-names.ts';

export interface AskingRules {
  readonly running: Running;
  /** `forwardAuth.path`, which is no part of what is asked about. */
  readonly path: string;
  readonly style: Style;
  readonly trusts: TrustsAddress;
  /** Whether the peer of a connection may ask. */
  readonly known: WeakMap<Socket, boolean>;
  readonly names: QuestionNames;
  /** The one of the gate, but for the headers by which a proxy asks. */
  readonly pipeline: Pipeline;
}

export const rulesOf = (running: Running): AskingRules => {
  const { path = '', style, trustedPeers } = running.settings.forwardAuth;
  const names = createQuestionNames(style, running.pipeline.classify);
  const pipeline = { ...running.pipeline, classify: names.classify };
  return { running, path, style, trusts: createTrust(trustedPeers), known: new WeakMap(), names, pipeline };
};

export const mayAsk = ({ trusts, known }: AskingRules, socket: Socket, address: string): boolean => {
  const found = known.get(socket);
  if (found !== undefined) return found;
  const isTrusted = trusts(address);
  known.set(socket, isTrusted);
  return isTrusted;
};

/**
 * False where a caller sends `/tollgate/auth/../../oauth2/token` through a proxy that reads it as `/oauth2/token` and forwards
 * it as it came. Where the rest of the path is what is asked about (Envoy), it is judged anyway.
 */
export const isAskedThere = ({ path, style }: AskingRules, rest: string): boolean =>
  path === '' || style === 'envoy' || plainRest.test(rest);

/** Behind the path: no dot, escape or empty segment, by which a proxy could have read it as another one. */
const plainRest = /^(?:\/[\w-]+)*\/?(?:\?.*)?$/;
