// `/admin/*` is everything below `/admin/`, and not `/admin`: where a public rule catches that, what was meant to be
// guarded is open at its front door. It may be meant so, hence a warning.

import type { IndexedRoute, Report } from './parse-fields.ts';

/** Warns of each guarded `/x/*` whose `/x` a public rule lets through, for a method both have. (`/x/` is below `/x/`.) */
export const checkBarePaths = (routes: readonly IndexedRoute[], warning: Report): void => {
  for (const { index, route } of routes) {
    const { written, form } = route.path;
    if (route.public || !form.endsWith('/*') || form === '/*') continue;
    const bare = segmentsOf(form).slice(0, -1);
    const catching = routes
      .filter(({ route: other }) => sharesMethod(route.methods, other.methods))
      .filter(({ route: other }) => covers(segmentsOf(other.path.form), bare))
      .toSorted((a, b) => byExactness(b.route.path.form, a.route.path.form))
      .at(0);
    if (catching === undefined || !catching.route.public) continue;
    const path = written.slice(0, -2);
    warning(
      ['routes', index, 'path'],
      `${written} does not cover ${path} itself, and ${JSON.stringify(catching.route.name)} (${catching.route.path.written}) ` +
        `lets anyone call that; write a rule for ${path} too, with the same scopes, or with public: true if it is meant so`,
    );
  }
};

const segmentsOf = (form: string): readonly string[] => form.slice(1).split('/');

const sharesMethod = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
  one === undefined || other === undefined || one.some((method) => other.includes(method));

/** Whether every path that `bare` stands for is one of the pattern's; `:` is a parameter. */
const covers = (pattern: readonly string[], bare: readonly string[]): boolean => {
  const isOpen = pattern.at(-1) === '*';
  const fixed = isOpen ? pattern.slice(0, -1) : pattern;
  if (isOpen ? bare.length <= fixed.length : bare.length !== fixed.length) return false;
  return fixed.every((segment, at) => segment === bare[at] || segment === ':');
};

/** Positive: the first is the more exact. Literal before parameter before the rest, from left to right, as the router has it. */
const byExactness = (one: string, other: string): number => {
  const [a, b] = [segmentsOf(one).map(weight), segmentsOf(other).map(weight)];
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

const weight = (segment: string): number => (segment === '*' ? 1 : segment === ':' ? 2 : 3);
