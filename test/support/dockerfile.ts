// Replays a Dockerfile without Docker: each stage becomes a folder, COPY copies (obeying .dockerignore), RUN runs in the
// stage's working folder with the machine's own node and npm. Knows just what our Dockerfile uses, and fails on the rest.

import { chownSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { runToEnd } from './process.ts';

export interface Instruction {
  readonly word: string;
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

export const parseDockerfile = (text: string): readonly Stage[] => {
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  const lines = text.replaceAll(/\\\n/g, ' ').split('\n');
  for (const line of lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))) {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (word === 'FROM') {
      const [from = '', , name = String(stages.length)] = rest.split(/\s+/);
      stages.push({ name, from, instructions: [] });
    } else stages.at(-1)?.instructions.push({ word, text: rest });
  }
  return stages;
};

/** The last instruction of a kind. */
export const lastOf = (stage: Stage | undefined, word: string): string | undefined =>
  stage?.instructions.findLast((instruction) => instruction.word === word)?.text;

/** A JSON array of strings, or undefined: the shell form. */
export const execForm = (text: string | undefined): readonly string[] | undefined =>
  text?.startsWith('[') === true ? (JSON.parse(text) as string[]) : undefined;

export interface Replayed {
  /** The root of the last stage. */
  readonly root: string;
  /** Its working folder, as a path in the image. */
  readonly workdir: string;
}

/** Builds every stage under `target` from the build context `context`. `env` is for RUN steps. */
export const replay = async (
  stages: readonly Stage[],
  context: string,
  target: string,
  env: NodeJS.ProcessEnv,
): Promise<Replayed> => {
  const isIgnored = ignoreRules(context);
  let workdir = '/';
  for (const stage of stages) {
    const root = join(target, stage.name);
    workdir = '/';
    mkdirSync(root, { recursive: true });
    for (const { word, text } of stage.instructions)
      switch (word) {
        case 'WORKDIR':
          workdir = resolve(workdir, text);
          mkdirSync(join(root, workdir), { recursive: true });
          break;
        case 'COPY':
          copy(text, { root, workdir, context, target, isIgnored });
          break;
        case 'RUN':
          await runToEnd('sh', ['-c', text], { cwd: join(root, workdir), env });
          break;
        case 'ENV':
        case 'USER':
        case 'EXPOSE':
        case 'VOLUME':
        case 'STOPSIGNAL':
        case 'HEALTHCHECK':
        case 'ENTRYPOINT':
        case 'CMD':
          break;
        default:
          throw new Error(`the replay does not know ${word}`);
      }
  }
  return { root: join(target, stages.at(-1)?.name ?? ''), workdir };
};

interface CopyPlace {
  readonly root: string;
  readonly workdir: string;
  readonly context: string;
  readonly target: string;
  readonly isIgnored: (path: string) => boolean;
}

/** `COPY [--from=stage] [--chown=uid:gid] source... destination`; a folder's content is copied, not the folder. */
const copy = (text: string, place: CopyPlace): void => {
  const words = text.split(/\s+/);
  const option = (name: string): string | undefined =>
    words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const paths = words.filter((word) => !word.startsWith('--'));
  const to = paths.pop() ?? '';
  const stage = option('from');
  const destination = join(place.root, resolve(place.workdir, to));
  for (const path of paths) {
    const from = stage === undefined ? join(place.context, path) : join(place.target, stage, path);
    if (stage === undefined && place.isIgnored(relative(place.context, from)))
      throw new Error(`COPY ${path}: .dockerignore keeps it out of the build`);
    if (!existsSync(from)) throw new Error(`COPY ${path}: there is no such file`);
    const into =
      to.endsWith('/') && !statSync(from).isDirectory() ? join(destination, basename(from)) : destination;
    cpSync(from, into, { recursive: true, verbatimSymlinks: true });
    const owner = option('chown');
    if (owner !== undefined && process.getuid?.() === 0) own(into, owner);
  }
};

const own = (path: string, owner: string): void => {
  const [uid = 0, gid = 0] = owner.split(':').map(Number);
  for (const file of ['', ...globSync('**/*', { cwd: path })]) chownSync(join(path, file), uid, gid);
};

/** Of .dockerignore: `*` and `!name` lines, the last match wins; a folder let in lets in what it holds. */
const ignoreRules = (context: string): ((path: string) => boolean) => {
  const rules = readFileSync(join(context, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return (path) => {
    let ignored = false;
    for (const rule of rules) {
      if (rule === '*') ignored = true;
      else if (rule.startsWith('!')) {
        if (path === rule.slice(1) || path.startsWith(`${rule.slice(1)}/`)) ignored = false;
      } else throw new Error(`.dockerignore: the replay does not know ${rule}`);
    }
    return ignored;
  };
};
