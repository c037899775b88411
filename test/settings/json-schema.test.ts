// The schema that editors read: the same table as the parser, and never behind it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { t } from 'tap';
import { parse } from 'yaml';
import { settingsJsonSchema, settingsJsonSchemaText } from '../../src/settings/json-schema.ts';
import { settingNames } from '../../src/settings/setting-names.ts';

const root = join(import.meta.dirname, '../..');

t.test('the file in config/ is the one the table gives', async (t) => {
  t.equal(readFileSync(join(root, 'config/tollgate.schema.json'), 'utf8'), settingsJsonSchemaText());
  const check = spawnSync(process.execPath, [join(root, 'test/support/check-schema.ts')], {
    encoding: 'utf8',
  });
  t.equal(check.status, 0, check.stderr);
});

t.test('the shipped settings name it, for editors', async (t) => {
  const text = readFileSync(join(root, 'config/tollgate.yaml'), 'utf8');
  t.match(text, /^# yaml-language-server: \$schema=.\/tollgate.schema.json\n/);
});

t.test('every setting is described, and unknown keys are refused at every level', async (t) => {
  const visit = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    if ('properties' in schema && typeof schema.properties === 'object' && schema.properties !== null) {
      t.match(schema, { additionalProperties: false }, `${path} is closed`);
      for (const [key, inner] of Object.entries(schema.properties))
        if (path.endsWith('.claims') || key !== 'claims')
          t.match(inner, { description: String }, `${path}.${key}`);
    }
    for (const [key, inner] of Object.entries(schema))
      if (key !== 'default' && key !== 'enum') visit(inner, key === 'properties' ? path : `${path}.${key}`);
  };
  visit(settingsJsonSchema(), 'settings');
});

t.test('defaults in the schema are those in the shipped file', async (t) => {
  const text = readFileSync(join(root, 'config/tollgate.yaml'), 'utf8');
  const shipped: unknown = parse(text);
  const at = (value: unknown, path: readonly string[]): unknown =>
    path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
  const schemaAt = (path: readonly string[]): Record<string, unknown> | undefined =>
    path.reduce<Record<string, unknown> | undefined>(
      (schema, key) => {
        const options = (schema?.['anyOf'] as Record<string, unknown>[] | undefined) ?? [];
        const mapping = [schema, ...options].find((one) => one?.['properties'] !== undefined);
        return (mapping?.['properties'] as Record<string, Record<string, unknown>> | undefined)?.[key];
      },
      settingsJsonSchema() as Record<string, unknown>,
    );
  let count = 0;
  for (const { path } of settingNames) {
    const fallback = schemaAt(path)?.['default'];
    if (fallback === undefined || path.join() === 'routes') continue;
    count++;
    // A group that is optional is written there as a comment.
    if (at(shipped, path.slice(0, -1)) === undefined) {
      const value = typeof fallback === 'string' ? fallback : JSON.stringify(fallback);
      t.match(
        text,
        new RegExp(`^ *# +${path.at(-1)}: ${value.replaceAll(/[[\]]/g, String.raw`\$&`)}(?: |$)`, 'm'),
        path.join('.'),
      );
      continue;
    }
    const written = at(shipped, path);
    t.same(
      typeof fallback === 'number' && typeof written === 'string' ? Number.parseInt(written, 10) : written,
      fallback,
      path.join('.'),
    );
  }
  t.ok(count > 40, `${count} defaults compared`);
});
