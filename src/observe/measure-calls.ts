// Times the calls of a port (the token store) without the port knowing: every method that answers a promise is
// reported with its name, its time and whether it came to an outage. Results and errors pass through untouched.

import { isOutage } from '../decision/outcome.ts';

export type ReportCall = (name: string, durationMs: number, failed: boolean) => void;

/** The same object, timed. Only calls from outside are seen, not those it makes to itself. */
export const measureCalls = <T extends object>(target: T, report: ReportCall): T =>
  new Proxy(target, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function' || typeof property !== 'string') return member;
      return (...args: unknown[]): unknown => {
        const startedMs = performance.now();
        const result: unknown = Reflect.apply(member, target, args);
        if (!(result instanceof Promise)) return result;
        return result.then(
          (value: unknown) => {
            report(property, performance.now() - startedMs, isOutage(value));
            return value;
          },
          (thrown: unknown) => {
            report(property, performance.now() - startedMs, true);
            throw thrown;
          },
        );
      };
    },
  });
