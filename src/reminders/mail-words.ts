// What a mail says, in each language. Every language has the same words; a test reads them all. `{…}` are filled in.

import type { Settings } from '../settings/settings.ts';

export type Language = Settings['reminders']['language'];

export interface MailWords {
  /** `{token}`, `{left}`. */
  readonly subject: string;
  /** `{user}`. */
  readonly greeting: string;
  /** `{token}`, `{org}`, `{left}`. */
  readonly lead: string;
  readonly advice: string;
  readonly button: string;
  readonly name: string;
  readonly id: string;
  readonly organization: string;
  readonly expires: string;
  readonly lastUsed: string;
  readonly never: string;
  readonly why: string;
}

export const mailWords: Readonly<Record<Language, MailWords>> = {
  en: {
    subject: 'API token {token} expires in {left}',
    greeting: 'Hello {user},',
    lead: 'Your API token {token} in the organization {org} expires in {left}. From then on, every program that uses it is refused.',
    advice: 'Regenerate it with a new lifetime, make another one in time, or revoke it:',
    button: 'Open the API token',
    name: 'Name',
    id: 'Id',
    organization: 'Organization',
    expires: 'Expires',
    lastUsed: 'Last used',
    never: 'never',
    why: 'You receive this because reminders are on for this API token. The message contains no secret, and nobody will ask you for one.',
  },
  fr: {
    subject: 'Le jeton d’API {token} expire dans {left}',
    greeting: 'Bonjour {user},',
    lead: 'Votre jeton d’API {token} de l’organisation {org} expire dans {left}. Ensuite, tout programme qui l’utilise sera refusé.',
    advice: 'Régénérez-le avec une nouvelle durée de vie, créez-en un autre à temps, ou révoquez-le :',
    button: 'Ouvrir le jeton d’API',
    name: 'Nom',
    id: 'Identifiant',
    organization: 'Organisation',
    expires: 'Expire le',
    lastUsed: 'Dernière utilisation',
    never: 'jamais',
    why: 'Vous recevez ce message parce que les rappels sont activés pour ce jeton d’API. Il ne contient aucun secret, et personne ne vous en demandera.',
  },
  es: {
    subject: 'El token de API {token} caduca en {left}',
    greeting: 'Hola, {user}:',
    lead: 'Su token de API {token} de la organización {org} caduca en {left}. A partir de entonces se rechazará todo programa que lo use.',
    advice: 'Regenérelo con una duración nueva, cree otro a tiempo o revóquelo:',
    button: 'Abrir el token de API',
    name: 'Nombre',
    id: 'Identificador',
    organization: 'Organización',
    expires: 'Caduca',
    lastUsed: 'Último uso',
    never: 'nunca',
    why: 'Recibe este mensaje porque los recordatorios están activados para este token de API. No contiene ningún secreto y nadie le pedirá uno.',
  },
  ru: {
    subject: 'Токен API {token}: срок действия истекает, осталось {left}',
    greeting: 'Здравствуйте, {user}!',
    lead: 'Срок действия вашего токена API {token} в организации {org} истекает, осталось {left}. После этого все программы, которые его используют, получат отказ.',
    advice: 'Перевыпустите его с новым сроком действия, создайте другой заранее или отзовите этот:',
    button: 'Открыть токен API',
    name: 'Название',
    id: 'Идентификатор',
    organization: 'Организация',
    expires: 'Истекает',
    lastUsed: 'Последнее использование',
    never: 'никогда',
    why: 'Вы получили это письмо, потому что для этого токена API включены напоминания. В нём нет секретов, и никто не будет их у вас спрашивать.',
  },
};
