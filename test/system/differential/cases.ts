// Every case, by what it is about.

import type { Case } from './case.ts';
import { addressCases } from './address-cases.ts';
import { answerCases } from './answer-cases.ts';
import { connectionCases } from './connection-cases.ts';
import { pathCases } from './path-cases.ts';
import { requestCases } from './request-cases.ts';

export const cases: readonly Case[] = [
  ...requestCases,
  ...pathCases,
  ...answerCases,
  ...connectionCases,
  ...addressCases,
];
