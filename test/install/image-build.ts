// Builds the images with buildah, without a registry and without a daemon, and looks into them.
//
//   1. two bases from what this machine has: its glibc and libstdc++, to run on; and with them Node, npm and a shell, to
//      build with. They stand for the images that the Containerfile names
//   2. `buildah build`, in a storage of its own, RUN in a chroot
//   3. each image is mounted, and its programs are started with nothing but the image as their root
//
// Nothing is left: storage, mounts and bases are in one temporary folder.
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { objectAt, stringAt, stringsAt } from '../../src/core/model/index.ts'

const root = join(import.meta.dirname, '../..')
const runFile = promisify(execFile)
const certificates = '/etc/ssl/certs/ca-certificates.crt'
/** Three images, the libraries from npm's cache or the registry: two minutes on two cores. */
const buildLimitMs = 480_000

export interface BuiltImage {
  readonly user: string
  readonly entrypoint: readonly string[]
  readonly hasShell: boolean
  /** Of all files, not compressed. */
  readonly megabytes: number
  /** What each program in it says to --help. */
  readonly help: ReadonlyMap<string, string>
}

/** Target → what came of it. Rejects with the end of what buildah said. */
export async function buildImages(targets: readonly string[]): Promise<ReadonlyMap<string, BuiltImage>> {
  if (!existsSync('/usr/bin/buildah')) throw new Error('buildah is missing: sh tools/install.sh images')
  const folder = mkdtempSync(join(tmpdir(), 'bellhop-images-'))
  const buildah = openBuildah(folder)
  try {
    await makeBases(folder, buildah)
    const built = new Map<string, BuiltImage>()
    for (const target of targets) {
      const bases = ['--build-arg', 'NODE_IMAGE=localhost/node', '--build-arg', 'RUN_IMAGE=localhost/glibc']
      const cache = [`${homedir()}/.npm:/root/.npm`]
      mkdirSync(join(homedir(), '.npm'), { recursive: true })
      const args = ['build', '--isolation', 'chroot', '--layers', '--volume', ...cache, ...bases]
      await buildah([...args, '--target', target, '--tag', `localhost/bellhop/${target}`, root])
      built.set(target, await lookInto(target, buildah))
    }
    return built
  } finally {
    await buildah(['rm', '--all']).catch(() => '')
    await buildah(['rmi', '--all', '--force']).catch(() => '')
    await unmountBelow(folder)
    rmSync(folder, { recursive: true, force: true })
  }
}

type Buildah = (args: readonly string[]) => Promise<string>

function openBuildah(folder: string): Buildah {
  const driver = readFileSync('/proc/filesystems', 'utf8').includes('\toverlay') ? 'overlay' : 'vfs'
  const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', driver]
  mkdirSync(join(folder, 'tmp'))
  return async (args) => {
    try {
      const { stdout } = await runFile('buildah', [...storage, ...args], {
        env: { ...process.env, TMPDIR: join(folder, 'tmp') },
        timeout: buildLimitMs,
        maxBuffer: 1 << 26,
      })
      return stdout.trim()
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
      throw new Error(`buildah ${args[0]}: ${`${stdout}${stderr}`.trim().split('\n').slice(-8).join('\n')}`, {
        cause: error,
      })
    }
  }
}

async function makeBases(folder: string, buildah: Buildah): Promise<void> {
  const node = realpathSync(process.execPath)
  const npm = dirname(dirname(realpathSync(await pathOf('npm'))))
  for (const name of ['glibc', 'node']) {
    const base = join(folder, name)
    for (const path of ['etc', 'tmp', 'proc', 'sys', 'dev', 'root', 'usr/local/bin'])
      mkdirSync(join(base, path), { recursive: true })
    writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0:root:/root:\nnonroot:x:65532:65532::/:\n')
    await copyWithLibraries(base, [node], false)
    const container = await buildah(['from', 'scratch'])
    if (name === 'node') {
      await copyWithLibraries(
        base,
        ['/bin/sh', '/usr/bin/env', certificates].filter((each) => existsSync(each)),
      )
      copyFileSync(node, join(base, 'usr/local/bin/node'))
      cpSync(npm, join(base, 'usr/local/lib/node_modules/npm'), { recursive: true })
      symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(base, 'usr/local/bin/npm'))
      const variables = [
        `NODE_EXTRA_CA_CERTS=${certificates}`,
        'npm_config_prefer_offline=true',
        'PATH=/usr/local/bin:/usr/bin:/bin',
      ]
      await buildah(['config', ...variables.flatMap((each) => ['--env', each]), container])
    }
    await buildah(['copy', container, base, '/'])
    await buildah(['commit', '--rm', container, `localhost/${name}`])
  }
}

async function pathOf(program: string): Promise<string> {
  // npm beside a Node that is itself a package has no npm: the machine's own.
  const directories = (process.env['PATH'] ?? '').split(':').filter((each) => !each.includes('node_modules'))
  const found = directories.map((each) => join(each, program)).find((each) => existsSync(each))
  if (found === undefined) throw new Error(`${program} is not in PATH`)
  return found
}

/** The files, unless `own` is false, and the libraries that they are linked with, under the same paths below `base`. */
async function copyWithLibraries(base: string, files: readonly string[], own = true): Promise<void> {
  for (const file of files) {
    const { stdout } = await runFile('ldd', [file]).catch(() => ({ stdout: '' }))
    const libraries = [...stdout.matchAll(/(\/\S+)(?= \(0x)/g)].map(([path]) => path)
    for (const path of own ? [file, ...libraries] : libraries) {
      mkdirSync(dirname(join(base, path)), { recursive: true })
      copyFileSync(path, join(base, path))
    }
  }
}

async function lookInto(target: string, buildah: Buildah): Promise<BuiltImage> {
  const image = `localhost/bellhop/${target}`
  const about = JSON.parse(await buildah(['inspect', '--type', 'image', image])) as unknown
  const config = objectAt(about, 'OCIv1', 'config')
  const container = await buildah(['from', image])
  const mount = await buildah(['mount', container])
  const user = stringAt(config, 'User') ?? ''
  const [uid = '', gid = ''] = user.split(':')
  const help = new Map<string, string>()
  const programs = target === 'control' ? ['webhook', 'controller', 'certs'] : [target]
  for (const program of programs) {
    const confined = ['--userspec', `${uid}:${gid}`, mount, '/usr/local/bin/node', `/app/${program}/main.js`, '--help']
    help.set(program, (await runFile('/usr/sbin/chroot', confined, { env: {}, timeout: 60_000 })).stdout)
  }
  const { stdout: size } = await runFile('du', ['-s', '-B1000000', '--apparent-size', mount])
  const hasShell = ['bin/sh', 'usr/bin/sh', 'bin/busybox'].some((each) => existsSync(join(mount, each)))
  await buildah(['umount', container])
  return { user, entrypoint: stringsAt(config, 'Entrypoint'), hasShell, megabytes: Number(size.split('\t')[0]), help }
}

async function unmountBelow(folder: string): Promise<void> {
  const mounted = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? [])
    .filter((path) => path.startsWith(`${folder}/`))
  for (const path of mounted.toReversed()) await runFile('umount', [path]).catch(() => undefined)
}
