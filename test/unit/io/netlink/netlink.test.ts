// netlink.ts against a real kernel, in namespaces of this file's own.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { type Namespace, openNamespace, reasonAgainstNamespaces } from './namespace.ts'

const act = new URL('./act.ts', import.meta.url)
const skip = reasonAgainstNamespaces() ?? false
const limits = { skip, timeout: 30_000 }
const x = '172.22.0.10'
const six = 'fd00:1::1'
const protocol = '196'

let node: Namespace
let router: Namespace

before(() => {
  if (skip !== false) return
  node = openNamespace('n')
  router = openNamespace('r')
  const veth = `v${process.pid}`
  node.ip(`link add ${veth} type veth peer name uplink netns ${router.name}`)
  for (const [space, link, last] of [
    [node, veth, 1],
    [router, 'uplink', 2],
  ] as const) {
    space.ip(`addr add 10.9.0.${last}/24 dev ${link}`)
    space.ip(`addr add fd09::${last}/64 dev ${link} nodad`)
    space.ip(`link set ${link} up`)
  }
  node.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
  node.ip('route add default via 10.9.0.2')
  node.ip('-6 route add default via fd09::2')
  router.ip(`route add ${x} via 10.9.0.1`)
  router.ip(`-6 route add ${six} via fd09::1`)
})

after(() => {
  if (skip !== false) return
  node.remove()
  router.remove()
})

async function perform(...args: readonly string[]): Promise<unknown> {
  return JSON.parse(await node.node(act, ...args))
}

async function list(): Promise<{ routes: readonly string[]; rules: readonly string[] }> {
  return (await perform('list')) as { routes: readonly string[]; rules: readonly string[] }
}

/** Keys of the routes and rules that carry the protocol number, as iproute2 sees them. */
function seen(): { readonly routes: number; readonly rules: number } {
  const routes = ['-4', '-6'].flatMap(
    (family) => JSON.parse(node.ip(`-j -N ${family} route show table all`)) as unknown[],
  )
  const rules = ['-4', '-6'].flatMap((family) => JSON.parse(node.ip(`-j -N ${family} rule show`)) as unknown[])
  const ours = (each: unknown): boolean => String((each as { protocol?: unknown }).protocol) === protocol
  return { routes: routes.filter(ours).length, rules: rules.filter(ours).length }
}

void test(
  'a look says whether the kernel has exactly what is expected: one more, one less, another one are told',
  limits,
  async () => {
    await perform('add-route', x)
    for (const pair of [
      ['172.22.0.99', '172.22.0.98'],
      ['fd00:22::99', 'fd00:22::98'],
    ]) {
      const looks = await perform('look-again', pair[0] ?? '', '196', pair[1] ?? '')
      assert.deepEqual(looks, [true, false, true, false, false, true])
    }
    await perform('remove-route', x)
  },
)

void test('a route is added once, listed, and removed once (part of ROUTE-01)', limits, async () => {
  assert.deepEqual(await perform('add-route', x), { ok: true })
  const again = (await perform('add-route', x)) as { readonly error: { readonly code: string } }
  assert.equal(again.error.code, 'Exists')
  assert.deepEqual((await list()).routes, [`${x} 196`])
  assert.match(
    node.ip(`-N route show table 196`),
    /^2 172\.22\.0\.10 dev lo proto 196|^local 172\.22\.0\.10 dev lo proto 196/,
  )
  assert.deepEqual(await perform('remove-route', x), { ok: true })
  const gone = (await perform('remove-route', x)) as { readonly error: { readonly code: string } }
  assert.equal(gone.error.code, 'Missing')
})

void test('foreign routes and rules are neither listed nor removed (part of ROUTE-05)', limits, async () => {
  node.ip(`route add local ${x} dev lo table 196 proto 4`)
  node.ip(`route add local ${x} dev lo table 77 proto 196`)
  node.ip(`route add 10.77.0.0/24 via 10.9.0.2 proto 196`)
  node.ip('rule add pref 19600 ipproto tcp lookup 77')
  try {
    const blocked = (await perform('add-route', x)) as { readonly error: { readonly code: string } }
    assert.equal(blocked.error.code, 'Exists')
    assert.deepEqual(await list(), { routes: [], rules: [] })
    const refused = (await perform('remove-route', x)) as { readonly error: { readonly code: string } }
    assert.equal(refused.error.code, 'Missing')
    await perform('add-rules')
    assert.deepEqual(await perform('cleanup'), { ok: true, value: { routes: 0, rules: 12 } })
    assert.match(node.ip('route show table 196'), /172\.22\.0\.10/)
    assert.match(node.ip('route show table 77'), /172\.22\.0\.10/)
    assert.match(node.ip('route show'), /10\.77\.0\.0\/24/)
    assert.match(node.ip('rule show'), /19600:\sfrom all ipproto tcp lookup 77/)
  } finally {
    node.ip(`route del local ${x} table 196`)
    node.ip(`route del local ${x} table 77`)
    node.ip('route del 10.77.0.0/24')
    node.ip('rule del pref 19600 lookup 77')
  }
})

void test('10,000 routes at once: all there, then none (the library would abort the process)', limits, async (t) => {
  const result = (await perform('many')) as Readonly<Record<'failed' | 'listed' | 'left' | 'elapsedMs', number>>
  assert.deepEqual([result.failed, result.listed, result.left], [0, 10_000, 0])
  t.diagnostic(`added and removed in ${Math.round(result.elapsedMs)} ms`)
})

const server = `
  const net = require('node:net')
  net.createServer((socket) => socket.end('reached')).listen({ host: process.argv[1], port: 2222 }, () => {
    console.log('listening')
  })`
const dial = `
  const net = require('node:net')
  const socket = net.connect({ host: process.argv[1], port: Number(process.argv[2]) })
  const end = (word) => { console.log(word); process.exit(0) }
  setTimeout(end, 1500, 'silence')
  socket.on('data', (data) => end(String(data)))
  socket.on('error', ({ code }) => end(code))`

function ask(address: string, port: number): string {
  return router.run(process.execPath, '-e', dial, address, String(port)).trim()
}

// Listening on :: is listening on 0.0.0.0 too.
async function withDaemon(check: () => void): Promise<void> {
  const daemon = spawn('ip', ['netns', 'exec', node.name, process.execPath, '-e', server, '::'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const ended = once(daemon, 'close').then(() => 'ended')
    const said = once(daemon.stdout, 'data').then(String)
    assert.equal((await Promise.race([said, ended])).trim(), 'listening')
    check()
  } finally {
    daemon.kill('SIGKILL')
  }
}

void test('no daemon of the node is reached at the address, and nothing loops (part of ROUTE-02)', limits, async () => {
  await perform('add-rules')
  await perform('add-route', x)
  await perform('add-route', six)
  await withDaemon(() => {
    assert.equal(ask('10.9.0.1', 2222), 'reached', 'the daemon answers at the node`s own address')
    const forwarded = () => Number(/Ip: (.*)\n/.exec(counters(node))?.[1]?.split(' ')[5])
    const before = forwarded()
    assert.ok(Number.isFinite(before), 'the counter could not be read')
    assert.equal(ask(x, 2222), 'silence')
    assert.equal(ask(six, 2222), 'silence')
    assert.equal(ask(x, 2223), 'silence')
    assert.equal(forwarded(), before, 'the node sent a packet back to the router')
  })
  assert.match(node.ip(`route get ${x}`), /via 10\.9\.0\.2 .*src 10\.9\.0\.1/, 'the node itself does not see the table')
  await perform('cleanup')
})

// Lines of /proc/net/snmp come in pairs: names, then numbers. ForwDatagrams is the sixth number of Ip.
function counters(space: Namespace): string {
  const [, numbers] = space
    .run('cat', '/proc/net/snmp')
    .split('\n')
    .filter((line) => line.startsWith('Ip:'))
  return `${numbers}\n`
}

void test('in table local, ping answers and a closed port refuses at once (part of ROUTE-02)', limits, async () => {
  await perform('add-route', x, '255')
  assert.match(router.run('ping', '-c1', '-W2', x), / 1 received/)
  assert.equal(ask(x, 2223), 'ECONNREFUSED')
  await perform('cleanup')
})

void test('no ARP answer for an address in the node`s own subnet (part of ROUTE-03)', limits, async () => {
  await perform('add-rules')
  await perform('add-route', '10.9.0.77')
  assert.throws(() => router.run('ping', '-c1', '-W1', '10.9.0.77'))
  assert.doesNotMatch(router.ip('neigh show 10.9.0.77'), /lladdr/)
  await perform('cleanup')
})

void test('cleanup leaves nothing of ours behind (part of ROUTE-07)', limits, async () => {
  await perform('add-rules')
  for (const address of [x, six]) {
    await perform('add-route', address)
    await perform('add-route', address, '255')
  }
  assert.deepEqual(seen(), { routes: 4, rules: 12 })
  assert.deepEqual(await perform('cleanup'), { ok: true, value: { routes: 4, rules: 12 } })
  assert.deepEqual(seen(), { routes: 0, rules: 0 })
})
