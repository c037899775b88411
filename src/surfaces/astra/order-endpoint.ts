// An endpoint of the astra surface that gives an order: finds out who gives it and about whose tokens, and answers what
// refuses it in the vendor's shape. What is left is the command.

import { type Refusal } from '../../decision/outcome.ts';
import { isProblem, type Problem, isFailure } from '../../lifecycle/problem.ts';
import { type Answer, type Endpoint, isAnswer, type SurfaceRequest } from '../answer.ts';
import { type AstraCaller, readCaller, type ReadCallerDeps } from './astra-caller.ts';
import { refused, refusedOrder } from './astra-problem.ts';

/** What the lifecycle says no with. */
export type Refused = Refusal | Problem;

export const isRefused = (result: object | string): result is Refused => isFailure(result);

export const orderEndpoint =
  (
    deps: ReadCallerDeps,
    work: (caller: AstraCaller, request: SurfaceRequest) => Answer | Promise<Answer | Refused>,
  ): Endpoint =>
  async (request) => {
    const caller = await readCaller(deps, request);
    if (isAnswer(caller)) return caller;
    const result = await work(caller, request);
    if (!isRefused(result)) return result;
    const { identity } = caller.actor;
    return isProblem(result)
      ? refusedOrder(result, request, identity)
      : refused(result, request, deps.settings.surfaces.astra.foreignAccount, identity);
  };
