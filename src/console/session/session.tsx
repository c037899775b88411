// Who is signed in. When a request is answered 401, the sign-in is shown instead of the page, at the same address. After it
// the page is shown again, with what was typed (drafts.ts).

import { type ComponentChildren, createContext } from 'preact';
import { useCallback, useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Api, createApi } from '../api/api.ts';
import { isProblem, isSessionLost, type Problem } from '../api/problem.ts';
import type { SignedIn } from '../api/shapes.ts';
import { createDraft, forgetDrafts } from './drafts.ts';
import { forgetSecret } from './shown-secret.ts';

/** Why nobody is signed in. */
export type Ending = 'none' | 'lost' | 'left' | 'revoked' | 'password' | 'sessions';

export type SessionState =
  | { readonly kind: 'asking' }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'out'; readonly ending: Ending }
  | { readonly kind: 'in'; readonly signedIn: SignedIn };

export interface Session {
  readonly api: Api;
  readonly state: SessionState;
  readonly ask: () => void;
  readonly enter: (signedIn: SignedIn) => void;
  /** It has ended, or was ended by a command. */
  readonly leave: (ending: Ending) => void;
}

/** Who signed in last: filled in when the same person must sign in again. */
export const signInDraft = createDraft<{ readonly org: string; readonly user: string }>();

const SessionContext = createContext<Session | undefined>(undefined);

export const useSession = (): Session => {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('There is no session around this component');
  return session;
};

export const useApi = (): Api => useSession().api;

/** For the pages that are shown to somebody who is signed in. */
export const useSignedIn = (): SignedIn => {
  const { state } = useSession();
  if (state.kind !== 'in') throw new Error('Nobody is signed in');
  return state.signedIn;
};

export const SessionProvider = ({ children }: { readonly children: ComponentChildren }) => {
  const [state, setState] = useState<SessionState>({ kind: 'asking' });
  const lastUser = useRef('');
  const leave = useCallback((ending: Ending): void => {
    forgetSecret();
    if (ending !== 'lost') forgetDrafts();
    setState((before) => (before.kind === 'out' ? before : { kind: 'out', ending }));
  }, []);
  const enter = useCallback((signedIn: SignedIn): void => {
    const { org, user } = signedIn.session;
    const who = `${org.id}/${user.id}`;
    if (lastUser.current !== '' && lastUser.current !== who) forgetDrafts();
    lastUser.current = who;
    signInDraft.value = { org: org.id, user: user.id };
    setState({ kind: 'in', signedIn });
  }, []);
  const api = useMemo(() => createApi(() => leave('lost')), [leave]);
  const ask = useCallback((): void => {
    setState({ kind: 'asking' });
    void api.findSession(false).then((found) => {
      if (!isProblem(found)) enter(found);
      else if (isSessionLost(found)) setState({ kind: 'out', ending: 'none' });
      else setState({ kind: 'failed', problem: found });
    });
  }, [api, enter]);
  useEffect(ask, [ask]);
  useSessionWatch(api, state, enter, leave);
  const value = useMemo(() => ({ api, state, ask, enter, leave }), [api, state, ask, enter, leave]);
  return <SessionContext.Provider value={value}>{children}</SessionContext.Provider>;
};

const marginMs = 1500;
const retryMs = 30_000;

/**
 * A page that is left alone asks when its session should have ended, so that nothing stays on the screen after it; and one
 * that the person comes back to asks who is signed in now.
 */
const useSessionWatch = (
  api: Api,
  state: SessionState,
  enter: (signedIn: SignedIn) => void,
  leave: (ending: Ending) => void,
): void => {
  const signedIn = state.kind === 'in' ? state.signedIn : undefined;
  useEffect(() => {
    if (signedIn === undefined) return undefined;
    let timer = 0;
    const ends = Math.min(Date.parse(signedIn.idleExpiresAt), Date.parse(signedIn.expiresAt));
    const check = (): void => {
      void api.findSession(true).then((found) => {
        if (!isProblem(found)) enter(found);
        else if (isSessionLost(found)) leave('lost');
        else {
          window.clearTimeout(timer);
          timer = window.setTimeout(check, retryMs);
        }
      });
    };
    timer = window.setTimeout(check, Math.max(retryMs, ends - Date.now() + marginMs));
    // Another tab may have signed out, or in as somebody else, or gone to another organization.
    const look = (): void => {
      if (document.visibilityState === 'visible') check();
    };
    document.addEventListener('visibilitychange', look);
    return () => {
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [api, signedIn, enter, leave]);
};
