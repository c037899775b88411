// Judges rate limits and quotas by themselves, against each other and against the routes they name.

import { type Check, check } from './check.ts';
import type { FileFields } from './schema.ts';
import { known, type Path, type Report } from './settings-issue.ts';
import { leaseMsMin } from './limit-fields.ts';

type Judged = Pick<FileFields['quotas'][number], 'name' | 'per' | 'routes'>;
type Routes = FileFields['routes'];

export const limitCheck: Check = check(
  ['rateLimits', 'quotas', 'routes'],
  ({ rateLimits, quotas, routes }, problem, warning) => {
    const all = [
      ...rateLimits.map((limit, index) => ({ limit, path: ['rateLimits', index] })),
      ...quotas.map((limit, index) => ({ limit, path: ['quotas', index] })),
    ];
    const names = new Map<string, Path>();
    for (const { limit, path } of all) {
      const other = names.get(limit.name);
      if (other !== undefined)
        problem(
          [...path, 'name'],
          `${JSON.stringify(limit.name)} is also the name of ${other[0]}[${other[1]}]; answers and metrics need unique names`,
        );
      names.set(limit.name, path);
      checkRoutesOf(limit, path, routes, problem, warning);
    }
    for (const [index, { per }] of quotas.entries())
      if (per === 'address')
        warning(
          ['quotas', index, 'per'],
          'is address: the store keeps a count of each address until the period ends, and anybody can make many; write a rate limit per: address, or a quota per: user',
        );
    for (const [index, { requests, windowMs, burst = requests }] of rateLimits.entries()) {
      const least = Math.ceil((requests * leaseMsMin) / windowMs);
      if (burst < least)
        problem(
          ['rateLimits', index, 'burst'],
          `is smaller than what comes in ${leaseMsMin}ms, which replicas take at once, so fewer than \`requests\` would pass; write ${least} or more`,
        );
    }
  },
);

const checkRoutesOf = (
  { per, routes: named, name }: Judged,
  path: Path,
  routes: Routes,
  problem: Report,
  warning: Report,
): void => {
  const names = routes.map((route) => route.name);
  const unknown = named?.find((each) => !names.includes(each));
  if (unknown !== undefined) {
    const advice = names.length === 0 ? 'there are none' : known(unknown, names);
    problem([...path, 'routes'], `${JSON.stringify(unknown)} is no route; ${advice}`);
    return;
  }
  if (per === 'route' || per === 'address') return;
  const covered = routes.filter((route) => named === undefined || named.includes(route.name));
  const open = covered.filter((route) => route.public);
  if (covered.length > 0 && open.length === covered.length)
    warning(
      [...path, 'per'],
      `is ${per}, but all its routes are public: callers without a credential are not counted; write per: address or per: route`,
    );
  else if (named !== undefined && open.length > 0)
    warning(
      [...path, 'per'],
      `is ${per}, and ${open.map((route) => route.name).join(', ')} of the routes of ${JSON.stringify(name)} is public: callers without a credential are not counted there; add a limit per: address`,
    );
};
