// The settings as a listener of its own has them, which serves the console and nothing else: no route leads to the API there.

import type { Settings } from '../settings/settings.ts';

/** Undefined: the console is on the callers' listener, or off. */
export const settingsApart = (settings: Settings): Settings | undefined => {
  const { csp, navigator, vcd, astra, management, console: pages } = settings.surfaces;
  if (!pages.enabled || pages.listen === undefined) return undefined;
  return {
    ...settings,
    mode: 'enforce',
    routes: [],
    upstreams: {},
    forwardAuth: { ...settings.forwardAuth, path: undefined },
    oauth: off(settings.oauth),
    surfaces: {
      csp: off(csp),
      navigator: off(navigator),
      vcd: off(vcd),
      astra: off(astra),
      management: off(management),
      console: { ...pages, listen: undefined },
    },
  };
};

const off = <Group extends object>(group: Group): Group & { readonly enabled: false } => ({
  ...group,
  enabled: false,
});
