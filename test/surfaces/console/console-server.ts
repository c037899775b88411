// The console on a real server, with the accounts of the management tests.

import type { Test } from 'tap';
import type { Settings } from '../../../src/settings/settings.ts';
import { example } from '../../../src/surfaces/management/examples.ts';
import { type Browser, openBrowser } from '../../support/console-browser.ts';
import { type ManagementServer, startManagement } from '../management/management-server.ts';
import { noSurfaces, type SurfaceSettings } from '../surface-server.ts';

export const ann = { org: example.org, user: example.user, password: example.password };

export interface ConsoleServer extends ManagementServer {
  browser(): Browser;
}

export const consoleSettings = (
  change: Partial<Settings['surfaces']['console']> = {},
): Settings['surfaces'] => ({
  ...noSurfaces,
  console: { ...noSurfaces.console, enabled: true, ...change },
});

export const startConsole = async (
  t: Test,
  change: Partial<Settings['surfaces']['console']> = {},
  settings: Partial<SurfaceSettings> = {},
): Promise<ConsoleServer> => {
  const server = await startManagement(t, { surfaces: consoleSettings(change), ...settings });
  return { ...server, browser: () => openBrowser(server.port, ann) };
};
