// Whether config/tollgate.schema.json is what the settings' table says. Exits 1 with the cure when it is not.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsJsonSchemaText } from '../../src/settings/json-schema.ts';

const schemaFile = join(import.meta.dirname, '../../config/tollgate.schema.json');

const read = (): string => {
  try {
    return readFileSync(schemaFile, 'utf8');
  } catch {
    return '';
  }
};

if (read() !== settingsJsonSchemaText()) {
  console.error(
    'config/tollgate.schema.json is not what src/settings/schema.ts says. Make it again: npm run schema',
  );
  process.exitCode = 1;
}
