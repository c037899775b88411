// What can go wrong with a surface request outside its endpoint, as a value that each surface turns into its own error
// shape: method, size, framing, time, shutdown, bug.

import { type Denial, denial } from '../decision/outcome.ts';
import { type Answer, broken, denied, type Fault, failed, type Route } from './answer.ts';
import { bodyBytesMax } from './body.ts';

/** RFC 9110 §15.5.6: the methods of a path, for the Allow header. */
export const methodsOf = ({ endpoints }: Pick<Route, 'endpoints'>): readonly string[] =>
  Object.keys(endpoints).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));

export const methodFault = (route: Pick<Route, 'endpoints'>, method: string): Fault => ({
  status: 405,
  description: `Use ${methodsOf(route)
    .filter((name) => name !== 'HEAD')
    .join(' or ')} here.`,
  note: denied('method_refused', method),
});

export const shutdownFault: Fault = {
  status: 503,
  description: 'This server is shutting down. Try again in a moment.',
  note: failed({ reason: 'shutting_down', cause: undefined }),
};

export const bodyTooLarge: Fault = {
  status: 413,
  description: `The body is larger than ${bodyBytesMax} bytes.`,
  note: denied('request_too_large', undefined),
};

/** A body that stopped, came too slowly, or whose framing is broken: always the caller's doing. */
export const bodyFault = ({ reason, evidence }: Denial): Fault => ({
  ...(reason === 'request_timeout'
    ? { status: 408, description: 'The body did not arrive in time.' }
    : { status: 400, description: 'The body cannot be read.' }),
  note: denied(reason, evidence),
});

/** The connection ended within the body. */
export const brokenBody: Fault = bodyFault(denial('request_malformed', 'the body ended early'));

class EndpointTimeout extends Error {}

/** The answer of an endpoint; rejects with what `faultOf` knows when it takes longer. */
export const withinTime = async (answer: Answer | Promise<Answer>, timeoutMs: number): Promise<Answer> => {
  if (!(answer instanceof Promise)) return answer;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new EndpointTimeout(`no answer in ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** Of what an endpoint threw: it took too long, or it has a bug. */
export const faultOf = (error: unknown): Fault =>
  error instanceof EndpointTimeout
    ? {
        status: 503,
        description: 'The request took too long. Try again in a moment.',
        note: failed({ reason: 'overloaded', cause: error }),
      }
    : {
        status: 500,
        description: 'Something is wrong in this server; it has been logged.',
        note: broken(error),
      };
