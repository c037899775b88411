// What the bench and the tests need of oidc-provider, which brings no types: a provider, and grants and refresh tokens made by hand.

declare module 'oidc-provider' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  interface Saved {
    save(): Promise<string>;
  }

  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    callback(): RequestListener;
    readonly Client: { find(id: string): Promise<object | undefined> };
    readonly Grant: new (facts: object) => Saved & {
      addResourceScope(resource: string, scope: string): void;
      addOIDCScope(scope: string): void;
    };
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
    readonly RefreshToken: new (facts: object) => Saved;
  }
}
