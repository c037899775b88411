// Judges address rules against the proxies before Tollgate: a rule that no caller could satisfy is a mistake.

import { addressRuleOf, holdsNetwork } from '../decision/address-rule.ts';
import { check } from './check.ts';

export const addressCheck = check(
  ['routes', 'trustedProxies', 'proxyProtocol'],
  ({ routes, trustedProxies, proxyProtocol }, problem) => {
    for (const [setting, ranges] of [
      ['trustedProxies', trustedProxies],
      ['proxyProtocol.trustedPeers', proxyProtocol.trustedPeers],
    ] as const) {
      const proxies = addressRuleOf(ranges.filter((range) => range !== 'unix'));
      for (const [index, { allowFrom }] of routes.entries()) {
        const taken = allowFrom?.entries.find((network) => holdsNetwork(proxies, network));
        if (taken !== undefined)
          problem(
            ['routes', index, 'allowFrom'],
            `${taken} lies in ${setting}, and nobody calls from the address of a proxy: a caller whom it hides would have it; write the networks of the callers, or narrow ${setting} to the proxies themselves`,
          );
      }
    }
  },
);
