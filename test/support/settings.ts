// Whole settings for tests: the defaults, and over them what a test says. A new setting needs no change here.

import { loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';
import type { Settings } from '../../src/settings/settings.ts';

/** Groups of settings may be given in part; everything else is given whole. */
export type SettingsChange = { readonly [Name in keyof Settings]?: Partial<Settings[Name]> };

const loadDefaults = (): Settings => {
  const loaded = loadSettings({ file: undefined, env: {}, flags: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(issueLine).join('\n'));
  return loaded.settings;
};

let defaults: Settings | undefined;

/** Later changes count more. They are not validated: a test may say what no operator could. */
export const settingsWith = (...changes: readonly SettingsChange[]): Settings => {
  defaults ??= loadDefaults();
  const settings: Record<string, unknown> = { ...defaults };
  for (const change of changes)
    for (const [name, value] of Object.entries(change)) {
      const before = settings[name];
      settings[name] = isGroup(before) && isGroup(value) ? { ...before, ...value } : value;
    }
  return settings as unknown as Settings;
};

/** An address or a store is one of several kinds, and is replaced as a whole. */
const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('kind' in value);
