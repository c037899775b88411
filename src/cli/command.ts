// A command as a value: its name, its help, what it takes and what it does. Here such rows become commands of the
// `commander` package; the values of arguments and options reach `run` with their types.

import type { Command } from 'commander';
import type { ExitCode } from './exit-code.ts';
import type { Output, Streams } from './output.ts';
import type { Parameter } from './parameters.ts';

export interface World extends Streams {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: AsyncIterable<Uint8Array | string>;
}

export interface Invocation {
  readonly command: Command;
  readonly world: World;
  readonly output: Output;
}

export type NamedParameters = Readonly<Record<string, Parameter<unknown>>>;

/** The values of parameters, by the same names. */
export type Given<Takes extends NamedParameters> = {
  readonly [Name in keyof Takes]: Takes[Name] extends Parameter<infer T> ? T : never;
};

export interface CommandFacts<Takes extends NamedParameters> {
  readonly name: string;
  readonly description: string;
  /** Arguments in their order, and options. */
  readonly takes: Takes;
  readonly help?: string;
  /** Unknown options and too many arguments are left to the command: the parser's message would repeat them. */
  readonly judgesExcess?: boolean;
}

export interface CommandContext {
  readonly invocationOf: (command: Command) => Invocation;
  readonly onEnd: (code: ExitCode) => void;
}

/** Adds a command, or a group of them, to the program or to a group. */
export type AddCommand = (parent: Command, context: CommandContext) => void;

/** Commands under a common word, such as `tollgate org create`. */
export const group =
  (name: string, description: string, commands: readonly AddCommand[]): AddCommand =>
  (parent, context) => {
    const added = parent.command(name).description(description);
    for (const add of commands) add(added, context);
  };

export const command =
  <Takes extends NamedParameters>(
    facts: CommandFacts<Takes> & {
      readonly run: (given: Given<Takes>, invocation: Invocation) => Promise<ExitCode>;
    },
  ): AddCommand =>
  (parent, { invocationOf, onEnd }) => {
    const { name, description, takes, help = '', judgesExcess = false, run } = facts;
    const added = parent.command(name).description(description).addHelpText('after', help);
    for (const parameter of Object.values(takes)) parameter.addTo(added);
    if (judgesExcess) added.allowExcessArguments().allowUnknownOption();
    added.action(async () => onEnd(await run(valuesOf(takes, added), invocationOf(added))));
  };

/** Each value has the type of its parameter, by the same name. */
function valuesOf<Takes extends NamedParameters>(takes: Takes, command: Command): Given<Takes>;
function valuesOf(takes: NamedParameters, command: Command): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(takes).map(([name, parameter]) => [name, parameter.valueOf(command)]),
  );
}
