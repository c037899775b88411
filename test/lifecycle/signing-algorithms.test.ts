// Surfaces sign with an algorithm of their own: a key of each algorithm in use is made, kept and waited for.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { algorithmsOf, SigningKeys } from '../../src/lifecycle/signing-keys.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { openStore } from '../../src/store/open-store.ts';

const settingsOf = (store: string, flags: Readonly<Record<string, unknown>> = {}): Settings => {
  const loaded = loadSettings({ file: undefined, env: {}, flags: { store, ...flags } });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
};

const fileOf = (t: Test): string => {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return `sqlite:${join(directory, 'store.db')}`;
};

const published = async (t: Test, settings: Settings): Promise<readonly string[]> => {
  const store = await openStore(settings.store, { retentionMs: 60_000 });
  t.teardown(() => store.close());
  const keys = new SigningKeys({ store, settings, now: Date.now, algorithms: algorithmsOf(settings) });
  t.teardown(() => keys.close());
  t.equal(await keys.start(), 'ready');
  return keys.ring.published(Date.now()).map(({ kid, algorithm }) => `${algorithm} ${kid}`);
};

t.test('which algorithms are in use is what the settings say', async (t) => {
  const of = (flags: object) => algorithmsOf(settingsOf('sqlite:./x.db', { ...flags }));
  t.same(of({}), ['ES256']);
  t.same(of({ 'surfaces.csp.enabled': true }), ['ES256', 'RS256']);
  t.same(of({ 'surfaces.navigator.enabled': true, 'tokens.algorithm': 'EdDSA' }), ['EdDSA', 'RS256']);
  t.same(of({ 'surfaces.csp.enabled': true, 'tokens.algorithm': 'RS256' }), ['RS256']);
});

t.test('a key of each is made once, whichever replica comes first', async (t) => {
  const store = fileOf(t);
  t.match(await published(t, settingsOf(store)), [/^ES256 /]);
  const settings = settingsOf(store, { 'surfaces.csp.enabled': true });
  const both = await published(t, settings);
  t.same(new Set(both.map((key) => key.split(' ')[0])), new Set(['ES256', 'RS256']));
  t.same(await published(t, settings), both, 'and kept');
});
