// A kind of bytes, and what is looked at. What each proxy makes of it is in table.yaml.

import type { RawConnection } from '../../support/raw-connection.ts';
import type { Watched } from './normal-form.ts';
import type { Script, ScriptedApi } from './scripted-api.ts';
import type { Door } from './subjects.ts';

/** What the caller does, where it is more than to send bytes. */
export type Play = (caller: RawConnection, api: ScriptedApi) => Promise<void>;

export interface Case {
  /** What is sent, as a few words: the key in table.yaml. */
  readonly name: string;
  /** Bytes of the caller, or what it does. */
  readonly send: string | Play;
  /** Else the API answers `ok`. */
  readonly answer?: Script;
  readonly door?: Door;
  /** Of what the API got, beside method, target and body. */
  readonly api?: Watched;
  /** Of what the caller got, beside status and body. */
  readonly caller?: Watched;
  /** Methods of the requests that are sent, where it is not one that the bytes begin with. */
  readonly methods?: readonly string[];
  /** The connection may stay open: it is enough that every request has a whole answer. */
  readonly stays?: true;
}
