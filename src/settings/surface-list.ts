// Every surface there is, in one list: a new one is written here, and where its endpoints are, in surfaces/surfaces.ts.

import { group } from './field.ts';
import { astra } from './surfaces/astra.ts';
import { browserConsole } from './surfaces/console.ts';
import { csp } from './surfaces/csp.ts';
import { management } from './surfaces/management.ts';
import { navigator } from './surfaces/navigator.ts';
import { oauth } from './surfaces/oauth.ts';
import { vcd } from './surfaces/vcd.ts';

/** Their settings are `oauth`, `surfaces.csp` and so on. */
export const surfaceList = [oauth, csp, navigator, vcd, astra, management, browserConsole] as const;

export type SurfaceName = (typeof surfaceList)[number]['name'];

export const surfaceFields = group({
  csp: csp.fields,
  navigator: navigator.fields,
  vcd: vcd.fields,
  astra: astra.fields,
  management: management.fields,
  console: browserConsole.fields,
});
