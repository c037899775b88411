// The entry of the console's pages.

import { render } from 'preact';
import { App } from './app.tsx';
import { RouterProvider } from './routing/router.tsx';
import { PreferencesProvider } from './session/preferences.tsx';
import { SessionProvider } from './session/session.tsx';
import { FlashProvider } from './ui/flash.tsx';
import { NowProvider } from './ui/time.tsx';

const root = document.querySelector('#console');
if (root !== null)
  render(
    <PreferencesProvider>
      <NowProvider>
        <RouterProvider>
          <FlashProvider>
            <SessionProvider>
              <App />
            </SessionProvider>
          </FlashProvider>
        </RouterProvider>
      </NowProvider>
    </PreferencesProvider>,
    root,
  );
