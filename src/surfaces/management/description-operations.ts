// The description of the surface: the OpenAPI document, and a page for each problem, at the address its `type` names.

import { z } from 'zod';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import { fault, type Operation, openOperation, reply } from './operation.ts';
import { problemKind } from './problem-kinds.ts';
import { noBody } from './read-input.ts';
import { named, noQuery } from './shapes.ts';

const problemPage = named(
  'ProblemPage',
  z.strictObject({
    code: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What to do about it.' }),
  }),
);

/** `document`: the OpenAPI document, once it is made of all operations, these two among them. */
export const descriptionOperations = (
  paths: ManagementPaths,
  document: () => object,
): readonly Operation[] => [
  openOperation({
    id: 'getDescription',
    method: 'GET',
    path: paths.openapi,
    tag: 'Description',
    summary: 'This document',
    description: 'The description of the whole API, in OpenAPI 3.1.',
    query: noQuery,
    body: noBody,
    success: {
      status: 200,
      description: 'The document.',
      body: z.looseObject({ openapi: z.string(), paths: z.looseObject({}) }),
    },
    problems: [],
    example: {},
    run: async () => reply(document(), { headers: { 'cache-control': 'max-age=300' } }),
  }),
  openOperation({
    id: 'getProblem',
    method: 'GET',
    path: paths.problem,
    tag: 'Description',
    summary: 'What a problem means',
    description: 'The page that the `type` of a problem leads to.',
    query: noQuery,
    body: noBody,
    success: { status: 200, description: 'The page.', body: problemPage },
    problems: ['problem_unknown'],
    example: { parameters: { code: 'scope_too_wide' } },
    run: async ({ parameters }) => {
      const { code = '' } = parameters;
      const kind = problemKind(code);
      return kind === undefined ? fault('problem_unknown') : reply({ code, ...kind });
    },
  }),
];
