// Operations as endpoints: who is calling is found out first, then the command is read, then it is carried out, and what it
// came to is answered. Knows no operation by name.

import { isRefusal } from '../../decision/outcome.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { FindEnded } from '../../lifecycle/ended-session.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { type Answer, denied, type Endpoint, isAnswer, permitted, type SurfaceRequest } from '../answer.ts';
import { readActor, type ReadActorDeps, readLeavingActor } from '../read-actor.ts';
import type { Problems } from './management-problem.ts';
import type { Operation, Result } from './operation.ts';

export interface EndpointsDeps extends ReadActorDeps {
  readonly findEnded: FindEnded;
  readonly problems: Problems;
}

export const createEndpoint =
  (deps: EndpointsDeps, operation: Operation): Endpoint =>
  async (request) => {
    const { problems } = deps;
    const actor = operation.access === 'anyone' ? undefined : await readCaller(deps, operation, request);
    if (actor !== undefined && isAnswer(actor)) return actor;
    const running = operation.run(request, actor);
    if ('fault' in running)
      return running.fault === 'media_type'
        ? problems.answer({
            code: 'media_type_refused',
            note: denied('request_malformed', 'the body is no JSON', actor?.identity),
          })
        : problems.malformed(running.detail, running.errors, actor?.identity);
    return answerOf(problems, operation, await running, actor);
  };

const readCaller = async (
  deps: EndpointsDeps,
  { access }: Operation,
  request: SurfaceRequest,
): Promise<Actor | Answer> => {
  const actor = await (access === 'leaving' ? readLeavingActor : readActor)(deps, request);
  return isRefusal(actor) ? deps.problems.refused(actor) : actor;
};

const answerOf = (
  problems: Problems,
  { success }: Operation,
  result: Result,
  actor: Actor | undefined,
): Answer => {
  const identity = actor?.identity;
  if (isRefusal(result)) return problems.refused(result, identity);
  if (isCommandError(result)) return problems.problem(result, identity);
  if (result.kind === 'fault')
    return problems.answer({
      code: result.code,
      note: denied('request_malformed', result.code, identity),
    });
  return {
    status: success.status,
    // What is shown is somebody's: no cache keeps it (RFC 9111 section 5.2.2.5).
    headers: { 'cache-control': 'no-store', ...result.headers },
    body: result.body,
    note: permitted(result.identity ?? identity),
  };
};
