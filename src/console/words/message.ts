// How a message is filled in: `{name}` stands for a value, and a message with plural forms takes the one that fits `count`
// in its language.

/** The forms of a language, by the names that Intl.PluralRules gives them. */
export type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>>> & { readonly other: string };
export type Message = string | Plural;

/** The names in a message that stand for values. */
export type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

/** The names of the values that a message needs. */
export type NamesOf<M> = Placeholders<FormsOf<M>>;

type FormsOf<M> = M extends string ? M : M[keyof M];

/** What a message needs to be complete. */
export type ValuesOf<M> = [Placeholders<FormsOf<M>>] extends [never]
  ? []
  : [values: { readonly [Name in Placeholders<FormsOf<M>>]: Name extends 'count' ? number : string }];

export type Values = Readonly<Record<string, string | number>>;

/** The text of the message for these values; its placeholders are still in it. */
export const formOf = (message: Message, values: Values, rules: Intl.PluralRules): string => {
  if (typeof message === 'string') return message;
  return message[rules.select(Number(values['count'] ?? 0))] ?? message.other;
};

/** A text in pieces: `{ name }` is a placeholder. */
export const piecesOf = (text: string): readonly (string | { readonly name: string })[] =>
  text
    .split(/(\{\w+\})/)
    .filter((piece) => piece !== '')
    .map((piece) => (/^\{\w+\}$/.test(piece) ? { name: piece.slice(1, -1) } : piece));

export const fill = (text: string, values: Values, numbers: Intl.NumberFormat): string =>
  piecesOf(text)
    .map((piece) => {
      if (typeof piece === 'string') return piece;
      const value = values[piece.name];
      return typeof value === 'number' ? numbers.format(value) : isolate(value ?? '');
    })
    .join('');

/** A name written from right to left leaves the sentence around it in order (Unicode's first strong isolate). */
const isolate = (value: string): string =>
  /[\u0590-\u08ff\ufb1d-\ufefc]/.test(value) ? `\u2068${value}\u2069` : value;
