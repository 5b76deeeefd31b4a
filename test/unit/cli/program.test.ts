// The command line: exit statuses, help, completion. The cluster is none, or one that answers in this process.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { parse } from 'yaml'
import { formatTable, isColoured, openPaint } from '../../../cli/print.ts'
import { runProgram } from '../../../cli/program.ts'
import { inOrder } from '../explain/cluster.ts'

interface Said {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** In this process: starting one takes a second of a busy machine. */
async function run(args: readonly string[]): Promise<Said> {
  const said = { status: 0, out: '', err: '' }
  const stream = (name: 'out' | 'err') =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        said[name] += chunk.toString()
        done()
      },
    })
  await runProgram(args, {
    ...{ out: stream('out'), err: stream('err'), environment: {}, wallMs: Date.now },
    setExit: (status) => (said.status = status),
  })
  return said
}

/** An API server that has the objects of a cluster in order, and refuses `forbidden`. */
async function withApi(forbidden: readonly string[], work: (kubeconfig: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname
    const plural = path.split('/').at(-1) ?? ''
    const isForbidden = forbidden.includes(plural) || request.method === 'POST' || path.includes('/secrets/')
    const items = plural in inOrder ? inOrder[plural as keyof typeof inOrder] : []
    response.writeHead(isForbidden ? 403 : 200, { 'content-type': 'application/json' })
    const named = items.map((item) => ({ apiVersion: 'v1', ...item }))
    response.end(
      JSON.stringify(isForbidden ? { reason: 'Forbidden' } : { metadata: { resourceVersion: '1' }, items: named }),
    )
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const folder = await mkdtemp(join(tmpdir(), 'bellhop-cli-'))
  try {
    const kubeconfig = join(folder, 'config')
    const { port } = server.address() as AddressInfo
    const clusters = [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }]
    const contexts = [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'default' } }]
    await writeFile(
      kubeconfig,
      JSON.stringify({ 'current-context': 'c', clusters, contexts, users: [{ name: 'u', user: {} }] }),
    )
    await work(kubeconfig)
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  }
}

void test('exit status: 0 well, 1 wrong, 2 not understood, 3 no cluster', async () => {
  const help = await run(['--help'])
  assert.equal(help.status, 0)
  assert.match(help.out, /Exit status: 0 all is well, 1 something is wrong, 2 .*, 3 /)
  assert.equal((await run(['version', '--client'])).out, 'bellhop 0.1.0\n')
  const wrong = [
    ['statu'],
    ['pools', '--no-such'],
    ['pools', 'extra'],
    ['explain', 'address', '1.2.3'],
    ['pools', '-o', 'xml'],
  ]
  for (const args of wrong) assert.equal((await run(args)).status, 2, args.join(' '))
  const none = await run(['status', '--kubeconfig', '/nonexistent'])
  assert.deepEqual([none.status, none.out], [3, ''])
  assert.match(none.err, /^The kubeconfig \/nonexistent cannot be used/)
})

void test('a cluster is asked: tables, JSON and YAML say the same, what is forbidden is said', () =>
  withApi(['racks'], async (kubeconfig) => {
    const ask = (...args: string[]): Promise<Said> => run([...args, '--kubeconfig', kubeconfig])
    const explained = await ask('explain', 'service', 'web')
    assert.match(explained.out, /^Service default\/web has 172\.22\.0\.10/)
    assert.match(explained.out, /Left out: not allowed to read racks/)
    assert.equal(explained.err, '')
    const json = JSON.parse((await ask('pools', '-o', 'json')).out) as {
      readonly pools: readonly { readonly name: string }[]
    }
    assert.deepEqual(parse((await ask('pools', '-o', 'yaml')).out), json)
    assert.equal(json.pools[0]?.name, 'pool')
    const pools = await ask('pools')
    assert.deepEqual([pools.status, pools.out.split('\n')[1]?.startsWith('pool ')], [0, true])
    // No terminal, no colour.
    assert.ok(!pools.out.includes('\u001b'))
    const other = await ask('services', '-n', 'team')
    assert.deepEqual(
      [other.status, other.out],
      [0, 'There is no Service for Bellhop in namespace team; -A shows all namespaces.\n'],
    )
    assert.equal((await ask('explain', 'service', 'none')).status, 1)
    const names = await run(['__complete', '--kubeconfig', kubeconfig, 'explain', 'service', 'w'])
    assert.equal(names.out, 'web\n:4\n')
    assert.equal(
      (await run(['__complete', '--kubeconfig', kubeconfig, 'drain', ''])).out,
      'master\nworker1\nworker2\n:4\n',
    )
  }))

void test('completion: commands, options and their values; scripts for shells', async () => {
  assert.match((await run(['__complete', 'exp'])).out, /^explain\n:4\n$/)
  assert.equal((await run(['__complete', 'pools', '-o', 'j'])).out, 'json\n:4\n')
  assert.match((await run(['__complete', 'services', '--a'])).out, /^--all-namespaces\n/)
  // Nobody answers: no names, and no error either.
  assert.deepEqual(await run(['__complete', '--kubeconfig', '/nonexistent', 'explain', 'service', '']), {
    status: 0,
    out: ':4\n',
    err: '',
  })
  for (const shell of ['bash', 'zsh', 'fish', 'kubectl'])
    assert.match((await run(['completion', shell])).out, /__complete/)
  assert.equal((await run(['completion', 'tcsh'])).status, 2)
})

void test('the program as a shell starts it', () => {
  const program = join(import.meta.dirname, '../../../cli/main.ts')
  const out = execFileSync(process.execPath, [program, 'version', '--client'], { encoding: 'utf8', timeout: 60_000 })
  assert.equal(out, 'bellhop 0.1.0\n')
})

void test('colour on a terminal only, unless it is refused; painted cells are as wide as their text', () => {
  assert.ok(isColoured({ isTTY: true }, true, {}))
  assert.ok(!isColoured({ isTTY: true }, false, {}))
  assert.ok(!isColoured({}, true, {}))
  assert.ok(!isColoured({ isTTY: true }, true, { NO_COLOR: '1' }))
  const paint = openPaint(true)
  const [, first, second] = formatTable(
    ['A', 'B'],
    [
      [paint.good('ok'), 'x'],
      ['longer', 'y'],
    ],
  )
  assert.equal(first, `${paint.good('ok')}       x`)
  assert.equal(second, 'longer   y')
})
