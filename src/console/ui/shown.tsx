// What was loaded; until then that it is being loaded, or why it cannot be shown.

import type { ComponentChildren } from 'preact';
import { useWords } from '../session/preferences.tsx';
import { Failed, Loading, Notice } from './notice.tsx';
import type { Loaded } from './use-resource.ts';

export interface ShownProps<T> {
  readonly loaded: Loaded<T>;
  readonly children: (value: T, isStale: boolean) => ComponentChildren;
}

export const Shown = <T,>({ loaded: { resource, reload }, children }: ShownProps<T>) => {
  const words = useWords();
  switch (resource.kind) {
    case 'loading':
      return <Loading />;
    case 'failed':
      return <Failed problem={resource.problem} onRetry={reload} />;
    case 'ready':
      return (
        <>
          {resource.problem !== undefined && (
            <Notice tone="warning" role="status" title={words.t('state.down')}>
              <p>{words.t('state.stale')}</p>
            </Notice>
          )}
          {children(resource.value, resource.isStale)}
        </>
      );
  }
};
