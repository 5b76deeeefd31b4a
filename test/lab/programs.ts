// The programs as an image has them: compiled, since a Node that strips types as it loads them needs 30 MB for that, and
// twice as long to start.
import { join } from 'node:path'

import { readCommand, runCommand } from './command.ts'

const repository = join(import.meta.dirname, '../..')

/** Compiles the programs into a folder below this repository, where they find its modules; a second or two. */
export async function buildPrograms(directory: string): Promise<void> {
  const tsc = join(repository, 'node_modules/.bin/tsc')
  await readCommand([tsc, '--project', join(repository, 'tsconfig.build.json'), '--outDir', directory])
}

/** Whether root reads these without any capability: not below a home directory that is closed to others, say. */
export async function rootMayRead(...paths: readonly string[]): Promise<boolean> {
  const bare = ['setpriv', '--reuid=0', '--regid=0', '--clear-groups', '--bounding-set=-all', '--inh-caps=-all']
  const every = paths.flatMap((path, at) => (at === 0 ? ['-r', path] : ['-a', '-r', path]))
  const { status } = await runCommand([...bare, '--', 'test', ...every])
  return status === 0
}
