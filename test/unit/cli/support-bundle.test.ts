// The bundle: nothing secret in it, whatever holds a secret; a tar that tar reads; what is missing is said.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import type { Collected } from '../../../cli/support-bundle-collect.ts'
import { leftOut, redactObject, scrub } from '../../../cli/support-bundle-redact.ts'
import { packFiles } from '../../../cli/support-bundle-tar.ts'
import { addSupportBundle, bundleFiles } from '../../../cli/support-bundle.ts'
import type { KubeObjectLike } from '../../../src/core/model/index.ts'
import * as kinds from '../../../src/io/kube/resources.ts'
import { labObjects, serviceObjects } from '../simulate/lab.ts'
import { run, serve } from './stage.ts'

const command = promisify(execFile)
const about = {
  version: '0',
  system: 'bellhop-system',
  wallMs: Date.parse('2026-01-01T00:02:00Z'),
  webhookAnswers: true,
}
let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bellhop-bundle-'))
})
after(() => rm(directory, { recursive: true }))

/** Objects with a secret at one place each, where it is to be left out whether or not it is known to be one. */
const hidingPlaces: Readonly<Record<string, (secret: string) => KubeObjectLike>> = {
  'password of a BgpPeer': (secret) => ({ metadata: { name: 'x' }, spec: { conf: { authPassword: secret } } }),
  'last applied configuration': (secret) => ({
    metadata: {
      name: 'x',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec: { x: secret } }) },
    },
  }),
  'fields kept for another version': (secret) => ({
    metadata: { name: 'x', annotations: { 'bellhop.dev/v1alpha1': JSON.stringify({ spec: { x: secret } }) } },
  }),
  'annotation of somebody else': (secret) => ({ metadata: { name: 'x', annotations: { 'example.com/x': secret } } }),
  'managed fields': (secret) => ({ metadata: { name: 'x', managedFields: [{ manager: secret }] } }),
  'environment of a Pod': (secret) => ({ spec: { containers: [{ env: [{ name: 'HTTPS_PROXY', value: secret }] }] } }),
  'environment of a Deployment': (secret) => ({
    spec: { template: { spec: { containers: [{ env: [{ name: 'DB_PASSWORD', value: secret }] }] } } },
  }),
  'option with its value': (secret) => ({ spec: { containers: [{ args: [`--password=${secret}`] }] } }),
  'option and its value': (secret) => ({ spec: { containers: [{ command: ['x', '--password', secret] }] } }),
  'word with a value': (secret) => ({ spec: { containers: [{ args: [`PASSWORD=${secret}`] }] } }),
  script: (secret) => ({ spec: { containers: [{ command: ['sh', '-c', `run ${secret}`] }] } }),
  'data of a Secret': (secret) => ({ data: { password: secret } }),
  'a field that is called so': (secret) => ({ spec: { deep: [{ bearerToken: secret }] } }),
}
const secrets = fc.string({ minLength: 4, maxLength: 40 }).map((text) => `s3cr3t${text}"\\`)

for (const [place, hide] of Object.entries(hidingPlaces)) {
  void test(`a secret is left out: ${place}`, () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const text = JSON.stringify(redactObject(hide(secret)))
        assert.ok(!text.includes('s3cr3t'), text)
      }),
      { numRuns: 30 },
    )
  })
}

// As it is, as JSON has it, JSON within JSON.
function logText(words: string): string {
  const line = JSON.stringify({ error: words })
  return `${words}\n${line}\n${JSON.stringify({ line })}\n`
}

void test('a password that stands in a BgpPeer is found nowhere in the bundle, whoever repeats it', () => {
  const place = fc.constantFrom('lastError', 'log', 'note', 'label', 'path', 'argument')
  fc.assert(
    fc.property(secrets, fc.subarray(Object.keys(hidingPlaces)), fc.array(place), (secret, hidden, told) => {
      const more = hidden.map((name) => hidingPlaces[name]?.(secret) ?? {})
      const has = (name: (typeof told)[number]): string => (told.includes(name) ? `told: ${secret} and on` : 'nothing')
      const collected: Collected = {
        objects: new Map([
          ['bgppeers', [{ metadata: { name: 'leaf1' }, spec: { conf: { authPassword: secret } } }]],
          ['deployments', more],
          ['speakers', [{ metadata: { name: 'n' }, status: { sessions: [{ lastError: has('lastError') }] } }]],
          ['events', [{ metadata: { name: 'e', labels: { l: has('label') } }, note: has('note') }]],
        ]),
        texts: new Map([[`logs/${has('path')}.log`, logText(has('log'))]]),
        missing: [has('argument')],
        unread: [],
      }
      for (const { path, text } of bundleFiles(collected, about)) {
        assert.ok(!`${path}\n${text}`.includes('s3cr3t'), `${path}: ${text}`)
      }
    }),
    { numRuns: 200 },
  )
})

void test('what is no secret stays as it is', () => {
  const object = {
    metadata: {
      name: 'x',
      annotations: { 'bellhop.dev/drain': 'true', 'eip.openelb.kubesphere.io/v1alpha1': '1.2.3.4' },
    },
    spec: {
      conf: { authPasswordSecretRef: { name: 'leaf1', key: 'password' }, peerAs: 1 },
      containers: [
        {
          command: ['node', '--optimize-for-size', 'speaker/main.js'],
          args: ['--log-level=info', '--node-name=$(NODE_NAME)'],
          env: [
            { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
            { name: 'MALLOC_ARENA_MAX', value: '1' },
          ],
        },
      ],
      volumes: [{ secret: { secretName: 'bellhop-webhook-tls' } }],
      automountServiceAccountToken: false,
    },
  }
  assert.deepEqual(redactObject(object), object)
  assert.equal(scrub('a bgp peer', ['bgp']), 'a bgp peer')
  assert.equal(scrub('leaf1 leaf1-more', ['leaf1', 'leaf1-more']), `${leftOut} ${leftOut}`)
})

void test('the archive is one that tar reads: names, sizes, contents, also long paths and empty files', async () => {
  const long = `objects/${'deep-folder/'.repeat(10)}${'x'.repeat(90)}.json`
  const files = [
    { path: 'a.txt', text: 'one\n' },
    { path: 'empty', text: '' },
    { path: 'exact', text: 'x'.repeat(1024) },
    { path: long, text: 'ümläut\n' },
  ]
  const file = join(directory, 'x.tar.gz')
  await writeFile(file, packFiles('folder', files, about.wallMs))
  const { stdout } = await command('tar', ['-tzvf', file], { env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } })
  const listed = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/))
  assert.deepEqual(
    listed.map((words) => [words[0], words[2], words.at(-1)]),
    files.map(({ path, text }) => ['-rw-r--r--', String(Buffer.byteLength(text)), `folder/${path}`]),
  )
  assert.match(stdout, /2026-01-01 00:02/)
  await command('tar', ['-xzf', file, '-C', directory])
  for (const { path, text } of files) assert.equal(await readFile(join(directory, 'folder', path), 'utf8'), text)
  assert.throws(() => packFiles('folder', [{ path: 'x'.repeat(300), text: '' }], 0), /too long/)
})

void test('support-bundle: objects, logs, metrics, answers, and what could not be had', async () => {
  const server = await serve(labObjects([serviceObjects('web', '172.22.0.1'), serviceObjects('lost', undefined)]))
  const labels = { 'app.kubernetes.io/name': 'bellhop', 'app.kubernetes.io/component': 'speaker' }
  server.put(kinds.pods, {
    metadata: { name: 'speaker-a', namespace: 'bellhop-system', labels },
    spec: { containers: [{ name: 'speaker', ports: [{ name: 'metrics', containerPort: 9082 }] }] },
    status: { containerStatuses: [{ name: 'speaker', restartCount: 1 }] },
  })
  server.put(kinds.bgpPeers, {
    metadata: { name: 'leaf1' },
    spec: { conf: { neighborAddress: '192.168.0.2', peerAs: 1, authPassword: 'hunter2-hunter2' } },
  })
  const isLog = ({ path, query }: { path: string; query: Readonly<Record<string, string>> }, previous: boolean) =>
    path.endsWith('/log') && 'previous' in query === previous
  server.inject((seen) => isLog(seen, false), { raw: 'a line\nsaid hunter2-hunter2\n' }, 9)
  server.inject((seen) => isLog(seen, true), { status: 500 }, 9)
  server.inject(({ path }) => path.endsWith(':9082/proxy/metrics'), { raw: 'bellhop_up 1\n' }, 9)
  const file = join(directory, 'bundle.tar.gz')
  const said = await run(
    server,
    (program, cli) => {
      program.option('--system-namespace <name>', '', 'bellhop-system')
      addSupportBundle(program, cli, '0.1.0')
    },
    ['support-bundle', '-o', file],
  )
  const secretReads = server.requests.filter(({ path }) => path.includes('/secrets'))
  await server.close()
  assert.deepEqual([said.status, said.err, secretReads], [0, '', []])
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const unpacked = await mkdtemp(join(directory, 'unpacked-'))
  await command('tar', ['-xzf', file, '--strip-components=1', '-C', unpacked])
  const paths = (await readdir(unpacked, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(unpacked.length + 1))
  const read = (path: string): Promise<string> => readFile(join(unpacked, path), 'utf8')
  for (const path of [
    ...['objects/bgppeers.json', 'objects/services.json', 'objects/speakers.json', 'logs/speaker-a.speaker.log'],
    ...['metrics/speaker-a.txt', 'answers/pools.txt', 'answers/services.txt', 'answers/explain/default.lost.txt'],
  ]) {
    assert.ok(paths.includes(path), `${path} is not among ${paths.join(', ')}`)
  }
  assert.equal(await read('logs/speaker-a.speaker.log'), 'a line\nsaid (left out)\n')
  assert.equal(await read('metrics/speaker-a.txt'), 'bellhop_up 1\n')
  assert.match(await read('answers/services.txt'), /^default +lost .* no address/m)
  assert.match(await read('answers/status.txt'), /^Something is wrong/)
  const manifest = await read('MANIFEST.txt')
  for (const path of paths) assert.ok(path === 'MANIFEST.txt' || manifest.includes(path), `${path} is not listed`)
  assert.match(manifest, /Not to be had:\n(.*\n)* {2}logs\/speaker-a\.speaker\.previous\.log: /)
  for (const path of paths) assert.ok(!(await read(path)).includes('hunter2'), path)
  assert.ok(said.out.startsWith(manifest))
})
