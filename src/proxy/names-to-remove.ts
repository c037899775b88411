// Which headers of its caller another proxy must take out of a request before the API may have it, for a door that judges
// and does not forward. What goes from hop to hop, and what describes the caller, is that proxy's own affair.

import { withoutCookie } from '../decision/credential.ts';
import { headerClass } from './header-class.ts';
import type { Pipeline } from './pipeline.ts';
import type { Forward } from './request-decision.ts';

/**
 * The credential (unless the route keeps it), every header of the identity family, and what only a spoof would spell so;
 * each name once, in lower case. A line of cookies with the credential among them goes whole.
 */
export const namesToRemove = (
  rawHeaders: readonly string[],
  { passed: { keepsCredential } }: Forward,
  { classify, settings }: Pick<Pipeline, 'classify' | 'settings'>,
): readonly string[] => {
  const names = new Set<string>();
  const { cookie } = settings.credential;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = rawHeaders[at + 1] ?? '';
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other classes are no business of that proxy
    switch (classify(name)) {
      case headerClass.identity:
      case headerClass.drop:
        names.add(name.toLowerCase());
        break;
      case headerClass.authorization:
      case headerClass.bareCredential:
        if (!keepsCredential) names.add(name.toLowerCase());
        break;
      case headerClass.cookie:
        if (!keepsCredential && cookie !== undefined && withoutCookie(value, cookie) !== value)
          names.add(name.toLowerCase());
        break;
      default:
        break;
    }
  }
  return [...names];
};
