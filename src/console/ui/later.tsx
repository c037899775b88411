// A page whose script is loaded when it is first wanted.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { unreachable } from '../api/problem.ts';
import { Failed, Loading } from './notice.tsx';

/** `load`: the same promise is asked again after a failure. */
export const later = <P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> => {
  let found: ComponentType<P> | undefined;
  return (props: P) => {
    const [state, setState] = useState<'loading' | 'failed' | 'ready'>(
      found === undefined ? 'loading' : 'ready',
    );
    const [turn, setTurn] = useState(0);
    useEffect(() => {
      if (found !== undefined) return;
      setState('loading');
      load().then(
        (component) => {
          found = component;
          setState('ready');
        },
        () => setState('failed'),
      );
    }, [turn]);
    const Component = found;
    if (Component !== undefined) return <Component {...props} />;
    if (state === 'failed') return <Failed problem={unreachable} onRetry={() => setTurn(turn + 1)} />;
    return <Loading />;
  };
};
