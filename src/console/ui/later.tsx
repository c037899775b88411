// A page whose script is loaded when it is first wanted.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { unreachable } from '../api/problem.ts';
import { Failed, Loading } from './notice.tsx';

export const later = <P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> => {
  let found: ComponentType<P> | undefined;
  return (props: P) => {
    const [state, setState] = useState<'loading' | 'failed' | 'ready'>('loading');
    useEffect(() => {
      if (found !== undefined) return;
      load().then(
        (component) => {
          found = component;
          setState('ready');
        },
        () => setState('failed'),
      );
    }, []);
    const Component = found;
    if (Component !== undefined) return <Component {...props} />;
    // A script that could not be loaded is not asked for again by the same page; a new version may have other names.
    if (state === 'failed') return <Failed problem={unreachable} onRetry={() => window.location.reload()} />;
    return <Loading />;
  };
};
