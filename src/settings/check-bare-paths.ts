// `/admin/*` is everything below `/admin/`, and not `/admin`: where a public rule catches that, what was meant to be
// guarded is open at its front door. It may be meant so, hence a warning.

import { compareExactness, covers, withoutRest } from '../decision/path-pattern.ts';
import type { IndexedRoute, Report } from './parse-fields.ts';

/** Warns of each guarded `/x/*` whose `/x` a public rule lets through, for a method both have. (`/x/` is below `/x/`.) */
export const checkBarePaths = (routes: readonly IndexedRoute[], warning: Report): void => {
  for (const { index, route } of routes) {
    if (route.public || !route.path.hasRest || route.path.segments.length === 0) continue;
    const bare = withoutRest(route.path);
    const catching = routes
      .filter(({ route: other }) => sharesMethod(route.methods, other.methods))
      .filter(({ route: other }) => covers(other.path, bare))
      .toSorted((a, b) => compareExactness(b.route.path, a.route.path))
      .at(0);
    if (catching === undefined || !catching.route.public) continue;
    warning(
      ['routes', index, 'path'],
      `${route.path.written} does not cover ${bare.written} itself, and ${JSON.stringify(catching.route.name)} (${catching.route.path.written}) ` +
        `lets anyone call that; write a rule for ${bare.written} too, with the same scopes, or with public: true if it is meant so`,
    );
  }
};

const sharesMethod = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
  one === undefined || other === undefined || one.some((method) => other.includes(method));
