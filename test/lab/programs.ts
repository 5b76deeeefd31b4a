// The programs as an image has them: compiled, since a Node that strips types as it loads them needs 30 MB for that, and
// twice as long to start.
import { join } from 'node:path'

import { readCommand } from './command.ts'

const repository = join(import.meta.dirname, '../..')

/** Compiles the programs into a folder below this repository, where they find its modules; a second or two. */
export async function buildPrograms(directory: string): Promise<void> {
  const tsc = join(repository, 'node_modules/.bin/tsc')
  await readCommand([tsc, '--project', join(repository, 'tsconfig.build.json'), '--outDir', directory])
}
