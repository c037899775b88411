// The settings file's JSON Schema, for editors. Made from the same table as the parser; config/tollgate.schema.json is
// its printed form.

import { z } from 'zod';
import { partsOf } from './field.ts';
import { fileFields } from './schema.ts';

/** JSON Schema (draft 7, which editors know best) of what may be written. */
export const settingsJsonSchema = (): Readonly<Record<string, unknown>> => ({
  ...z.toJSONSchema(fileFields, {
    io: 'input',
    target: 'draft-7',
    override: ({ zodSchema, jsonSchema }) => {
      const { required, properties } = jsonSchema;
      if (required !== undefined)
        jsonSchema.required = required.filter((name) => properties?.[`${name}File`] === undefined);
      const { shorthand: key } = partsOf(zodSchema);
      if (key === undefined || jsonSchema.anyOf !== undefined) return;
      const { description, ...mapping } = jsonSchema;
      delete mapping.default;
      for (const name of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, name);
      Object.assign(jsonSchema, {
        ...(description !== undefined && { description }),
        anyOf: [mapping.properties?.[key] ?? {}, mapping],
      });
    },
  }),
  title: 'Tollgate settings',
});

export const settingsJsonSchemaText = (): string => `${JSON.stringify(settingsJsonSchema(), null, 2)}\n`;
