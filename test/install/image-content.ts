// What the images hold, made without a container engine: the programs as the Containerfile compiles them, beside the
// libraries that `npm prune --omit=dev` leaves, or those that are left when the client library is uninstalled too.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')
const runFile = promisify(execFile)

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Paths such as `node_modules/a/node_modules/b` of all that the dependencies need, by the lock file. */
export function productionPackages(without: readonly string[] = []): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>
  }
  const found = new Set<string>()
  const visit = (from: string, names: Iterable<string>): void => {
    for (const name of names) {
      if (from === '' && without.includes(name)) continue
      const path = resolve(packages, from, name)
      if (path === undefined || found.has(path)) continue
      found.add(path)
      const { dependencies, optionalDependencies, peerDependencies } = packages[path] ?? {}
      visit(path, Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
    }
  }
  visit('', Object.keys(packages['']?.dependencies ?? {}))
  return [...found].toSorted()
}

/** As Node looks for it: in the package's own node_modules, then in those above. */
function resolve(packages: Readonly<Record<string, unknown>>, from: string, name: string): string | undefined {
  const levels = from.split('/node_modules/')
  const above = levels.map(
    (_, at) => `${levels.slice(0, levels.length - at).join('/node_modules/')}/node_modules/${name}`,
  )
  return [...above, `node_modules/${name}`].find((path) => path in packages)
}

/** Compiles into `folder` and puts the libraries there; what is for another platform is not installed here. */
export async function makeContent(folder: string, without: readonly string[]): Promise<void> {
  const tsc = join(root, 'node_modules/.bin/tsc')
  await runFile(tsc, ['--project', join(root, 'tsconfig.build.json'), '--outDir', folder])
  for (const path of productionPackages(without)) {
    if (!existsSync(join(root, path))) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    await link(join(root, path), join(folder, path))
    // Packages inside are in the list themselves.
    rmSync(join(folder, path, 'node_modules'), { recursive: true, force: true })
  }
}

/** Links instead of copies, where both are on one file system: Node takes them for files of the place where it finds them. */
async function link(from: string, to: string): Promise<void> {
  await runFile('cp', ['-al', from, to]).catch(() => runFile('cp', ['-a', from, to]))
}
