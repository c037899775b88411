// An endpoint of the astra surface that gives a command: finds out who gives it and about whose tokens, and answers what
// refuses it in the vendor's shape. What is left is the command.

import { type Refusal } from '../../decision/outcome.ts';
import { isCommandError, type CommandError, isFailure } from '../../lifecycle/command-error.ts';
import { type Answer, type Endpoint, isAnswer, type SurfaceRequest } from '../answer.ts';
import { type AstraCaller, readCaller, type ReadCallerDeps } from './astra-caller.ts';
import { refused, refusedCommand } from './astra-problem.ts';

/** What the lifecycle says no with. */
export type Refused = Refusal | CommandError;

export const isRefused = (result: object | string): result is Refused => isFailure(result);

export const commandEndpoint =
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
    return isCommandError(result)
      ? refusedCommand(result, request, identity)
      : refused(result, request, deps.settings.surfaces.astra.foreignAccount, identity);
  };
