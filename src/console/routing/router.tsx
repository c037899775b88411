// The address bar: which page it names, links that need no reload, and going somewhere by a command. A page may keep the
// query for its list; nothing secret is ever written here.

import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { prefix } from '../api/prefix.ts';
import { parsePath, pathOf, type Route } from './routes.ts';

export interface Router {
  readonly route: Route;
  /** Of the address, without `?`. */
  readonly query: string;
  /** How often the person has gone somewhere: the first page takes no focus. */
  readonly visits: number;
  readonly go: (route: Route, query?: string) => void;
  /** Like `go`, but the page left is not in the history. */
  readonly replace: (route: Route, query?: string) => void;
  /** Another query for the same page. */
  readonly setQuery: (query: string) => void;
}

interface Address {
  readonly path: string;
  readonly query: string;
  readonly visits: number;
}

const base = prefix.slice(0, -1);

const read = (visits: number): Address => {
  const { pathname, search } = window.location;
  const path = pathname.startsWith(prefix) ? pathname.slice(base.length) : '/';
  return { path, query: search.slice(1), visits };
};

export const hrefOf = (route: Route, query = ''): string =>
  `${base}${pathOf(route)}${query === '' ? '' : `?${query}`}`;

const RouterContext = createContext<Router | undefined>(undefined);

export const RouterProvider = ({ children }: { readonly children: ComponentChildren }) => {
  const [address, setAddress] = useState(() => read(0));
  useEffect(() => {
    const follow = (): void => setAddress(({ visits }) => read(visits + 1));
    window.addEventListener('popstate', follow);
    return () => window.removeEventListener('popstate', follow);
  }, []);
  const router = useMemo((): Router => {
    const move = (how: 'pushState' | 'replaceState', isVisit: boolean) => (route: Route, query?: string) => {
      window.history[how](null, '', hrefOf(route, query));
      if (isVisit) window.scrollTo(0, 0);
      setAddress(({ visits }) => read(isVisit ? visits + 1 : visits));
    };
    const route = parsePath(address.path);
    const stay = move('replaceState', false);
    return {
      route,
      query: address.query,
      visits: address.visits,
      go: move('pushState', true),
      replace: move('replaceState', true),
      setQuery: (query) => stay(route, query),
    };
  }, [address]);
  return <RouterContext.Provider value={router}>{children}</RouterContext.Provider>;
};

export const useRouter = (): Router => {
  const router = useContext(RouterContext);
  if (router === undefined) throw new Error('There is no router around this component');
  return router;
};

export interface LinkProps {
  readonly to: Route;
  readonly query?: string;
  readonly class?: string;
  readonly isCurrent?: boolean;
  readonly label?: string;
  readonly children: ComponentChildren;
}

export const Link = ({ to, query, isCurrent = false, label, children, ...rest }: LinkProps) => {
  const { go } = useRouter();
  const follow = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to, query);
  };
  return (
    <a
      href={hrefOf(to, query)}
      class={rest.class}
      aria-current={isCurrent ? 'page' : undefined}
      aria-label={label}
      onClick={follow}
    >
      {children}
    </a>
  );
};
