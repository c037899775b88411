// Which of two rules asks more of its callers. Pure: no I/O.

import { holdsNetwork } from './address-rule.ts';
import type { RouteRule } from './route-rule.ts';

/** What a rule asks, but for the tenant, which depends on the path. */
export type Demand = Pick<RouteRule, 'public' | 'mode' | 'scopes' | 'sessions' | 'allowFrom'>;

/** Whether a caller that `rule` lets through could be one that `other` does not, whatever the tenant. */
export const asksMore = (other: Demand, rule: Demand): boolean => {
  if (other === rule) return false;
  if (isForFewer(other, rule)) return true;
  if (other.public) return false;
  return (
    rule.public ||
    (rule.mode === 'shadow' && other.mode === 'enforce') ||
    (other.sessions === 'interactive' && rule.sessions !== 'interactive') ||
    other.scopes.some((scope) => !rule.scopes.includes(scope))
  );
};

/** Whether a caller may come from where `rule` lets them and `other` does not. */
const isForFewer = ({ allowFrom }: Demand, rule: Demand): boolean =>
  allowFrom !== undefined &&
  !(rule.allowFrom?.entries.every((network) => holdsNetwork(allowFrom, network)) ?? false);
