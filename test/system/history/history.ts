// What a run leaves for the judge: operations as intervals on one monotonic clock, credentials by name (never by secret),
// and the faults. Plain values: a history can be written by hand, printed and judged again.

/** The answer to an operation. Only `ok` and `refused` are certain: the others may or may not have happened. */
export type Outcome =
  | { readonly kind: 'ok' }
  /** 4xx. `reason`: as the replica's access log names it; undefined where the log was lost with its process. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string | undefined }
  /** 502, 503, 504, or nobody listened. */
  | {
      readonly kind: 'outage';
      readonly status: number | undefined;
      readonly reason: string | undefined;
    }
  /** A time-out, or the connection was lost before the whole answer came. */
  | { readonly kind: 'unknown'; readonly cause: string }
  /** An answer that no caller should ever see, such as 500. */
  | { readonly kind: 'broken'; readonly status: number; readonly text: string };

export type RoleSet = 'wide' | 'narrow';
export type AccountState = 'active' | 'disabled';

/** `org/user`. */
export type AccountName = string;

interface Performed {
  readonly id: string;
  /** Which replica was asked, and which of its processes: `b` is restarted as another incarnation. */
  readonly replica: string;
  readonly incarnation: number;
  readonly invokedMs: number;
  readonly completedMs: number;
  readonly outcome: Outcome;
  /** The session of the administrator who gave the command; undefined where a credential speaks for itself. */
  readonly actor: string | undefined;
}

/** What was asked for. `made` names the credential that an `ok` answer handed out. */
export type Action =
  | {
      readonly kind: 'create';
      readonly account: AccountName;
      readonly scopes: 'all' | 'read';
      readonly made: string | undefined;
    }
  | {
      readonly kind: 'regenerate';
      readonly token: string;
      /** How long the old secret stays good; 0: it ends at once. */
      readonly overlapMs: number;
      readonly made: string | undefined;
    }
  | { readonly kind: 'exchange'; readonly credential: string; readonly made: string | undefined }
  | { readonly kind: 'sign-in'; readonly account: AccountName; readonly made: string | undefined }
  | { readonly kind: 'use'; readonly credential: string; readonly needs: 'read' | 'write' }
  /** By the token's id. */
  | { readonly kind: 'revoke-token'; readonly token: string }
  /** By possession of a secret or an access token. */
  | { readonly kind: 'revoke-credential'; readonly credential: string }
  | { readonly kind: 'revoke-all'; readonly org: string; readonly user: string | undefined }
  | { readonly kind: 'set-roles'; readonly account: AccountName; readonly roles: RoleSet }
  | { readonly kind: 'set-state'; readonly account: AccountName; readonly state: AccountState };

export type Operation = Performed & Action;

interface CredentialFacts {
  readonly id: string;
  readonly account: AccountName;
  /** Whether its own scopes include things:write. */
  readonly canWrite: boolean;
  /** When the command that made it, or its first try, was given; and when its answer was there. */
  readonly bornFromMs: number;
  readonly bornByMs: number;
}

export interface Secret extends CredentialFacts {
  readonly kind: 'secret';
  readonly token: string;
  /** Which of the token's secrets: 0 is the first. */
  readonly number: number;
}

export interface Session extends CredentialFacts {
  readonly kind: 'session';
  /** The secret it was made from; undefined: a password. */
  readonly parent: string | undefined;
}

export type Credential = Secret | Session;

export interface Fault {
  readonly kind: string;
  /** Replicas that it may cut off from the store; the others hear revocations as ever. */
  readonly replicas: readonly string[];
  readonly beganMs: number;
  /** When its cause was gone. */
  readonly healedMs: number;
  /** Whether the store may have lost acknowledged records. */
  readonly losesRecords: boolean;
}

export interface Bounds {
  /** From the acknowledgement of a command until no replica that hears the store answers as before. */
  readonly healthyMs: number;
  /** The same for a replica that was cut off: `feed.maxStaleness` and a margin. */
  readonly cutOffMs: number;
  /** How long after its answer, or after the end of a fault, a command of unknown outcome may still take effect. */
  readonly settleMs: number;
  /** How far the replicas' readings of the store's clock may be apart: what ends at a time may end so much earlier or later. */
  readonly clockMs: number;
}

export interface History {
  readonly operations: readonly Operation[];
  readonly credentials: ReadonlyMap<string, Credential>;
  readonly faults: readonly Fault[];
  readonly bounds: Bounds;
  /** From here on every fault is healed and settled: each replica must serve, and all must agree. */
  readonly sweepFromMs: number;
}
