// Rules for some hosts alone. The rules of a host are those that name it, by a wildcard or not at all; of two for the same path and
// method, the one with the more exact host counts. They are a table of their own for each host that a rule names, judged as any
// other: what a lenient server reads as a path of a stricter rule is refused there too.

import { compareHosts, coversHost, type HostPattern, normalHost } from '../../decision/host-pattern.ts';
import type { PathPattern } from '../../decision/path-pattern.ts';
import { methodsOf, type RouteRule } from '../../decision/route-rule.ts';
import { createRouter, type Router } from './router.ts';

/** The router of a host; undefined where servers could read the host as two. A request without one has that of no host. */
export type RouterOfHost = (host: string | undefined) => Router | undefined;

/** Undefined where no rule names a host: one router is for all. `ofNone`: of requests whose host no rule names. */
export const createHostRouters = (
  rules: readonly RouteRule[],
  owned: readonly PathPattern[] = [],
  ofNone = createRouter(rulesOfHost(rules, undefined), owned),
): RouterOfHost | undefined => {
  const hosts = new Map(rules.flatMap(({ host }) => (host === undefined ? [] : [[keyOf(host), host]])));
  if (hosts.size === 0) return undefined;
  const routers = new Map(
    Array.from(hosts, ([key, host]) => [key, createRouter(rulesOfHost(rules, host), owned)]),
  );
  return (written) => {
    if (written === undefined) return ofNone;
    const host = normalHost(written);
    if (host === undefined) return undefined;
    const exact = routers.get(host);
    if (exact !== undefined) return exact;
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const below = routers.get(`*${host.slice(dot)}`);
      if (below !== undefined) return below;
    }
    return ofNone;
  };
};

const keyOf = ({ name, isWildcard }: HostPattern): string => (isWildcard ? `*.${name}` : name);

/** The rules that hold for a host, each for the methods that no rule with a more exact host takes at the same path. */
export const rulesOfHost = (
  rules: readonly RouteRule[],
  host: HostPattern | undefined,
): readonly RouteRule[] => {
  const holding = rules.filter((rule) => coversHost(rule.host, host));
  return holding.flatMap((rule): RouteRule[] => {
    const taken = new Set(
      holding
        .filter((other) => other.path.form === rule.path.form && compareHosts(other.host, rule.host) > 0)
        .flatMap(withHead),
    );
    const methods = methodsOf(rule);
    const left = methods.filter((method) => !taken.has(method));
    if (left.length === methods.length) return [rule];
    return left.length === 0 ? [] : [{ ...rule, methods: left }];
  });
};

/** What a rule says of GET it says of HEAD too: the HEAD of a rule for more hosts is no way round it. */
const withHead = (rule: RouteRule): readonly string[] => {
  const methods = methodsOf(rule);
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
};
