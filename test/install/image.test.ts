// The images: what the Containerfile promises. With BELLHOP_TEST_LONG they are built, by buildah, on bases made of this
// machine's own glibc and Node (image-build.ts).
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

import packageJson from '../../package.json' with { type: 'json' }
import { listAt, objectAt, stringAt, stringsAt } from '../../src/core/model/index.ts'
import { type BuiltImage, buildImages } from './image-build.ts'
import { makeContent, productionPackages } from './image-content.ts'
import { renderChart } from './render.ts'

const root = join(import.meta.dirname, '../..')
const runFile = promisify(execFile)
const containerfile = readFileSync(join(root, 'Containerfile'), 'utf8')
const clientLibrary = '@kubernetes/client-node'

/** What a program of the image says to `--help`; it loads all that it imports for that. */
async function helpOf(folder: string, program: string): Promise<string> {
  const { stdout } = await runFile(process.execPath, [`${program}/main.js`, '--help'], { cwd: folder, timeout: 30_000 })
  return stdout
}

void test('every image that a Pod names is a target of the Containerfile, and its command a program in it', async () => {
  const targets = [...containerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name)
  assert.deepEqual(targets, ['build', 'build-pod', 'run', 'control', 'speaker', 'cli'])
  for (const [key, object] of await renderChart()) {
    for (const container of listAt(object, 'spec', 'template', 'spec', 'containers')) {
      const name = /^bellhop\/([a-z]+):/.exec(stringAt(container, 'image') ?? '')?.[1] ?? ''
      assert.ok(targets.includes(name), `${key}: image ${name}`)
      const [program, ...rest] = stringsAt(container, 'command')
      assert.equal(program, 'node')
      assert.ok(existsSync(join(root, (rest.at(-1) ?? '').replace(/\.js$/, '.ts'))), `${key}: ${rest.join(' ')}`)
      // Nothing is written but to memory, so nothing has to be writable.
      assert.equal(objectAt(container, 'securityContext')['readOnlyRootFilesystem'], true)
    }
  }
})

void test('Node is of the major version that the package asks for', () => {
  const major = /^>=(\d+)$/.exec(packageJson.engines.node)?.[1]
  assert.ok(containerfile.includes(`ARG NODE_IMAGE=docker.io/library/node:${major}-`))
  assert.equal(process.versions.node.split('.')[0], major)
})

/** Container by program, of all Pods of the chart. */
async function containers(): Promise<ReadonlyMap<string, unknown>> {
  const found = [...(await renderChart()).values()]
    .flatMap((object) => listAt(object, 'spec', 'template', 'spec', 'containers'))
    .map((container) => [stringAt(container, 'name') ?? '', container] as const)
  assert.deepEqual(
    found.map(([name]) => name),
    ['speaker', 'controller', 'webhook'],
  )
  return new Map(found)
}

void test('every variable that a Pod is given is read: by Node, by the C library, in an argument or in the code', async () => {
  const code = (program: string): string =>
    ['main.ts', 'config.ts']
      .map((file) => join(root, program, file))
      .flatMap((path) => (existsSync(path) ? readFileSync(path, 'utf8') : []))
      .join('\n')
  for (const [program, container] of await containers()) {
    for (const variable of listAt(container, 'env')) {
      const name = stringAt(variable, 'name') ?? ''
      const readers = [...stringsAt(container, 'args'), code(program)].join('\n')
      assert.ok(
        ['NODE_OPTIONS', 'MALLOC_ARENA_MAX'].includes(name) || readers.includes(name),
        `${program} reads ${name}`,
      )
    }
  }
})

void test('all programs load with the libraries of production alone, the client library left out as in the images of Pods', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bellhop-image-'))
  try {
    await makeContent(folder, [clientLibrary])
    for (const name of [clientLibrary, 'typescript']) assert.ok(!existsSync(join(folder, 'node_modules', name)), name)
    const names = {
      ...{ webhook: 'bellhop-webhook', controller: 'bellhop-controller', speaker: 'bellhop-speaker' },
      ...{ certs: 'certs', cli: '(kubectl )?bellhop' },
    }
    const options = new Map<string, string>()
    for (const [program, name] of Object.entries(names)) {
      const help = await helpOf(folder, program)
      assert.match(help, new RegExp(`^Usage: ${name} `), program)
      options.set(program, help)
    }
    // And they know what their Pods give them.
    for (const [program, container] of await containers()) {
      for (const argument of stringsAt(container, 'args')) {
        const [option = ''] = argument.split('=')
        assert.ok(options.get(program)?.includes(`${option} <`), `${program} knows ${option}`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  // For kubeconfig files with plugins: the command line has it.
  assert.ok(productionPackages().includes(`node_modules/${clientLibrary}`))
})

/** Node is 127 of them; the client library and what it needs 80. */
const mostMegabytes = { control: 190, speaker: 190, cli: 290 } as const

void test(
  'the images are built, run as whom they should, have no shell, and every program in them starts',
  { skip: process.env['BELLHOP_TEST_LONG'] === undefined ? 'BELLHOP_TEST_LONG is not set' : false },
  async (context) => {
    const seen = await buildImages(['control', 'speaker', 'cli'])
    const expected: Readonly<Record<string, Partial<BuiltImage>>> = {
      control: { user: '65532:65532', entrypoint: ['node'] },
      speaker: { user: '0:0', entrypoint: ['node', '--optimize-for-size', 'speaker/main.js'] },
      cli: { user: '65532:65532', entrypoint: ['node', 'cli/main.js'] },
    }
    for (const [name, { user, entrypoint }] of Object.entries(expected)) {
      const image = seen.get(name)
      assert.ok(image !== undefined, `${name} was built`)
      assert.equal(image.user, user)
      assert.deepEqual(image.entrypoint, entrypoint)
      assert.equal(image.hasShell, false, `${name} has no shell`)
      context.diagnostic(`${name}: ${image.megabytes} MB`)
      assert.ok(image.megabytes < mostMegabytes[name as keyof typeof mostMegabytes], `${name}: ${image.megabytes} MB`)
      for (const [program, said] of image.help) assert.match(said, /^Usage: /, `${program} in ${name}`)
    }
    const programs = [...seen].flatMap(([name, { help }]) => [...help.keys()].map((program) => `${name} ${program}`))
    assert.deepEqual(programs, ['control webhook', 'control controller', 'control certs', 'speaker speaker', 'cli cli'])
  },
)
