// What is known of a surface before it is built: its settings, the paths it answers, and what else of the settings depends
// on it. Also the fields that several surfaces have.

import type { z } from 'zod';
import type { SigningAlgorithm } from '../tokens/signature.ts';
import { field, type Fields, group } from './field.ts';
import { durationOrNever } from './quantity.ts';
import { flag, type Reader, right, text } from './reader.ts';

export interface SurfaceDescriptor<
  Name extends string = string,
  Key extends string = string,
  Fields extends z.ZodType = z.ZodType,
> {
  /** Its group of settings, its folder, and the first part of its names in metrics and log. */
  readonly name: Name;
  /** `enabled`, `prefix`, and what its dialect leaves open. */
  readonly fields: Fields;
  /** The paths it owns, for every method, so that none slips through to the API; as `patternsOf` reads them. */
  readonly paths: (prefix: string) => Readonly<Record<Key, string>>;
  /** Names of paths in metrics and log, where they are not the keys of `paths`. */
  readonly labels?: Readonly<Partial<Record<NoInfer<Key>, string>>>;
  /** Paths that are answered although the surface is switched off. */
  readonly alwaysServed?: readonly NoInfer<Key>[];
  /** What its access tokens are signed with; undefined: `tokens.algorithm`. */
  readonly signs?: SigningAlgorithm;
  /** Whether it makes API tokens with `openid`, whose exchange gives an ID token too. */
  readonly makesOpenidTokens?: boolean;
  /** How the names of its own cookies begin: they are for it alone, and never reach the API. */
  readonly cookies?: string;
  /** Whether all below its prefix is its own, so that a route there can only be a mistake. */
  readonly ownsPrefix?: boolean;
  /** Whether its paths lie amid their vendor's own API: a route that leads through some of them means the rest of it. */
  readonly isAmidVendorApi?: boolean;
}

export const describeSurface = <const Name extends string, Key extends string, Fields extends z.ZodType>(
  descriptor: SurfaceDescriptor<Name, Key, Fields>,
): SurfaceDescriptor<Name, Key, Fields> => descriptor;

/** The keys and patterns of the paths it answers as the settings have it. */
export const servedPaths = <Key extends string>(
  { paths, alwaysServed = [] }: SurfaceDescriptor<string, Key>,
  { enabled, prefix }: { readonly enabled: boolean; readonly prefix: string },
): readonly (readonly [Key, string])[] => {
  const patterns = paths(prefix);
  return keysOf(patterns)
    .filter((key) => enabled || alwaysServed.includes(key))
    .map((key) => [key, patterns[key]]);
};

const keysOf = <Key extends string>(patterns: Readonly<Record<Key, string>>): readonly Key[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a descriptor writes its table of paths out
  Object.keys(patterns) as Key[];

/** The name of a path in metrics and log, e.g. `oauth:token`. */
export const routeNameOf = (descriptor: SurfaceDescriptor, key: string): string =>
  `${descriptor.name}:${descriptor.labels?.[key] ?? key}`;

/** The settings of a surface that is not served unless they say so. */
export const surfaceGroup = <const Of extends Fields>(description: string, fields: Of) =>
  group({ enabled: field(flag, 'Whether it is served.').prefault(false), ...fields })
    .meta({ description })
    .prefault({});

export const pathPrefix = (example: string): Reader<string> =>
  text('a path prefix', example, /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/);

/** `path`: the default, and the example in a message. */
export const prefix = (path: string, description: string) =>
  field(pathPrefix(path), description).prefault(path);

/** Of a vendor's paths, which begin at the root unless the settings say otherwise. */
export const prefixOrNone = (example: string, description: string) => {
  const written = pathPrefix(`${example}, or "" for none`);
  const reader: Reader<string> = {
    ...written,
    read: (value) => (value === '' ? right('') : written.read(value)),
    json: { type: 'string' },
  };
  return field(reader, description).prefault('');
};

export const accountId = (what: string): Reader<string> =>
  text(what, 'an id such as acme', /^[A-Za-z0-9][A-Za-z0-9._@~-]{0,127}$/);

export const tokenLifetimeMs = field(
  durationOrNever('1m', '3650d'),
  'How long an API token made here is valid, or `never`; never longer than its org allows.',
).prefault('never');
