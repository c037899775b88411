// Judges the settings of reminders.

import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import type { Settings } from './settings.ts';
import { type Check, check, isPlainHttp } from './check.ts';

/** Nobody else hears what is said to a server on this machine. */
const isHere = (host: string): boolean => isLoopbackUrl(`http://${host.includes(':') ? `[${host}]` : host}`);

interface Linking {
  readonly reminders: Pick<Settings['reminders'], 'consoleUrl'>;
  readonly surfaces: {
    readonly console: Pick<Settings['surfaces']['console'], 'enabled' | 'origin' | 'listen'>;
  };
  readonly issuer: string | undefined;
}

const advice =
  'write the URL of the console as browsers see it, e.g. https://api.example.com/tollgate/console';

/** A link that the people who are reminded cannot follow, or none. */
const linkFaultOf = ({ reminders, surfaces, issuer }: Linking): string | undefined => {
  const { enabled, origin, listen } = surfaces.console;
  if (reminders.consoleUrl !== undefined || !enabled || origin !== undefined) return undefined;
  if (listen !== undefined)
    return `is missing, and the console has a listener of its own: reminders lead nowhere; ${advice}`;
  if (issuer === undefined)
    return `and \`issuer\` are missing, so reminders lead to the address of \`listen\`; ${advice}`;
  return isLoopbackUrl(issuer)
    ? `is missing, so reminders lead to ${issuer}, which is this machine alone; ${advice}`
    : undefined;
};

export const reminderCheck: Check = check(['reminders', 'surfaces', 'issuer'], (groups, problem, warning) => {
  const { enabled, smtp, webhook, beforeMs } = groups.reminders;
  if (enabled && smtp === undefined && webhook === undefined)
    problem(
      ['reminders', 'enabled'],
      'has nothing to send by; write reminders.smtp or reminders.webhook, or false',
    );
  const linkFault = enabled ? linkFaultOf(groups) : undefined;
  if (linkFault !== undefined) warning(['reminders', 'consoleUrl'], linkFault);
  if (beforeMs.length > 8)
    problem(['reminders', 'before'], 'has more than 8 durations; a token has 8 reminders at most');
  if (webhook !== undefined && isPlainHttp(webhook.url))
    warning(
      ['reminders', 'webhook', 'url'],
      'is plain http: everybody on the way reads who has which API tokens; write an https URL',
    );
  if (smtp === undefined) return;
  const { user, password, tls, host } = smtp;
  if ((user === undefined) !== (password === undefined))
    problem(['reminders', 'smtp'], 'has only one of `user` and `password`; write both, or neither');
  if (user !== undefined && tls === 'opportunistic' && !isHere(host))
    problem(
      ['reminders', 'smtp', 'tls'],
      'is opportunistic: where the server has no TLS, or somebody hides it, the password goes over the network for all to read; write required or implicit',
    );
});
