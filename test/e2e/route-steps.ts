// Steps that claims about routes have in common: next hops on the leaves, what became of a route meanwhile, sessions as
// FRR tells them, nodes of a claim's own, and a speaker on worker1, which has none by the guide's labels.
import { spawn } from 'node:child_process'
import { availableParallelism, loadavg } from 'node:os'
import { createInterface } from 'node:readline'

import { type Lab, type LeafName, type NodeName, type Role, nodes, waitFor } from '../lab/index.ts'
import { expect, getOrUndefined, getService, ingressOf, nodeNextHops } from './claim.ts'

export const master = nodes.master.address
export const worker1 = nodes.worker1.address
export const worker2 = nodes.worker2.address
export const rackKey = 'openelb.kubesphere.io/rack'
export const speakerKey = 'lb.kubesphere.io/v1alpha1'

/**
 * Fails when it took longer than a case allows. Where more than two programs wait for each processor the same work takes
 * several times as long, whoever does it: there four times as much is allowed.
 */
export function expectWithin(limitMs: number, tookMs: number, what: string): void {
  const [load = 0] = loadavg()
  const allowedMs = load / availableParallelism() > 2 ? 4 * limitMs : limitMs
  expect(tookMs <= allowedMs, `${what}: ${tookMs.toFixed(0)} ms, allowed are ${allowedMs} ms`)
}

export async function addressOf(lab: Lab, name: string): Promise<string> {
  return waitFor(`Service ${name} has an address`, async () => ingressOf(await getService(lab, name))[0])
}

/** Waits until the leaves have exactly these nodes as next hops; resolves with how long it took. */
export async function nextHopsBecome(
  lab: Lab,
  address: string,
  leaf1: readonly string[],
  leaf2: readonly string[],
  timeoutMs = 10_000,
): Promise<number> {
  const startMs = performance.now()
  let seen = ''
  await waitFor(
    `next hops of ${address}: leaf1 {${leaf1.join()}}, leaf2 {${leaf2.join()}}`,
    async () => {
      const [one, two] = [await nodeNextHops(lab, 'leaf1', address), await nodeNextHops(lab, 'leaf2', address)]
      seen = `leaf1 {${one.join()}}, leaf2 {${two.join()}}`
      return one.join() === leaf1.join() && two.join() === leaf2.join()
    },
    { timeoutMs, missing: () => `seen ${seen}` },
  )
  return performance.now() - startMs
}

/** The leaves as the guide's labels make them. */
export async function routesAreBack(lab: Lab, address: string): Promise<number> {
  return nextHopsBecome(lab, address, [master, worker1], [worker2], 60_000)
}

export interface LinesWatch {
  readonly lines: readonly string[]
  stop(): void
}

/** What `ip monitor route` prints from now on, all tables; resolves when it listens. */
export async function watchRouteLines(lab: Lab, role: Role): Promise<LinesWatch> {
  const lines: string[] = []
  const argv = ['netns', 'exec', lab.namespace(role), 'ip', '-N', 'monitor', 'route']
  const child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'ignore'] })
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  // A route of our own, made and taken away until it is heard of, says that the listener listens.
  await waitFor(`the routes of ${role} are listened to`, async () => {
    await lab.exec(role, 'ip route add 198.51.100.1/32 dev lo; ip route del 198.51.100.1/32 dev lo')
    return lines.some((line) => line.includes('198.51.100.1'))
  })
  return { lines, stop: () => void child.kill('SIGKILL') }
}

export interface WaysWatch {
  /** Next hops of the kernel's route after each change since it began; empty: the route was deleted. */
  changes(): readonly (readonly string[])[]
  /** Fails when at any time one of these was no next hop. */
  expectThroughout(...hops: readonly string[]): void
  stop(): void
}

/** Follows one route in a leaf's kernel; the route must be there. */
export async function watchWays(lab: Lab, leaf: LeafName, address: string): Promise<WaysWatch> {
  const watch = await watchRouteLines(lab, leaf)
  const changes = (): readonly (readonly string[])[] => {
    const all: { readonly prefix: string; readonly isGone: boolean; readonly hops: string[] }[] = []
    for (const line of watch.lines) {
      const [first = '', second = ''] = line.split(' ')
      const isGone = first === 'Deleted'
      // Several next hops follow on lines of their own.
      if (!/^\s/.test(line)) all.push({ prefix: isGone ? second : first, isGone, hops: [] })
      const [, hop] = /\bvia (?:inet6? )?([0-9a-f.:]+)/.exec(line) ?? []
      const last = all.at(-1)
      if (hop !== undefined && last?.isGone === false) last.hops.push(hop)
    }
    return all.filter(({ prefix }) => prefix === address).map(({ hops }) => hops)
  }
  return {
    changes,
    expectThroughout: (...hops) => {
      for (const [at, seen] of changes().entries()) {
        const lacking = hops.filter((hop) => !seen.includes(hop))
        expect(lacking.length === 0, `change ${at + 1} of ${address} at ${leaf} left {${seen.join()}}`)
      }
    },
    stop: () => watch.stop(),
  }
}

/** What a router says of its session with a neighbour, as far as claims look at it. */
export interface Session {
  readonly bgpState?: string
  /** Seconds since 1970. */
  readonly bgpTimerUpEstablishedEpoch?: number
  readonly connectionsEstablished?: number
  readonly connectionsDropped?: number
  readonly remoteRouterId?: string
  readonly remoteAs?: number
  readonly portForeign?: number
}

export async function sessionOf(lab: Lab, leaf: LeafName, neighbor: string): Promise<Session> {
  const text = await lab.router(leaf, [`show bgp neighbors ${neighbor} json`])
  return (JSON.parse(text) as Readonly<Record<string, Session>>)[neighbor] ?? {}
}

/** Waits until the session is established, or is not. */
export async function sessionBecomes(lab: Lab, leaf: LeafName, neighbor: string, up: boolean): Promise<Session> {
  let seen = ''
  return waitFor(
    `${leaf} has ${up ? 'a' : 'no'} session with ${neighbor}`,
    async () => {
      const session = await sessionOf(lab, leaf, neighbor)
      seen = session.bgpState ?? 'unknown'
      return (seen === 'Established') === up ? session : undefined
    },
    { timeoutMs: 60_000, missing: () => `its state is ${seen}` },
  )
}

/** How often the sessions of all three nodes came up at the leaves: the same before and after, nothing was reset. */
export async function sessionCounts(lab: Lab): Promise<string> {
  const [one, two] = [await sessionOf(lab, 'leaf1', master), await sessionOf(lab, 'leaf2', worker2)]
  return [one, two]
    .map(({ connectionsEstablished, connectionsDropped }) => `${connectionsEstablished}/${connectionsDropped}`)
    .join(' ')
}

/** Lines of a router's configuration, from `router bgp AS` on. */
export async function configureBgp(lab: Lab, leaf: LeafName, ...lines: readonly string[]): Promise<void> {
  const as = leaf === 'leaf1' ? 50001 : 50002
  await lab.router(leaf, ['configure terminal', `router bgp ${as}`, ...lines])
}

export const objectPath = (plural: string, name: string): string =>
  `/apis/network.kubesphere.io/v1alpha2/${plural}/${name}`

export async function changePeer(lab: Lab, name: string, spec: object): Promise<void> {
  await lab.request('PATCH', objectPath('bgppeers', name), { spec })
}

export interface OwnNode {
  readonly name: string
  readonly addresses: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
}

/** A Node object with no machine behind it, Ready, that lives while `show` runs: a node without a speaker. */
export async function withNode<T>(
  lab: Lab,
  { name, addresses, labels = {} }: OwnNode,
  show: () => Promise<T>,
): Promise<T> {
  const path = `/api/v1/nodes/${name}`
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
  const renewal = (): object => ({
    metadata: { name },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: new Date().toISOString().replace('Z', '000Z') },
  })
  let beat: NodeJS.Timeout | undefined
  try {
    await lab.request('POST', '/api/v1/nodes', { metadata: { name, labels } })
    await lab.request('POST', leases, renewal())
    await lab.request('PATCH', `${path}/status`, {
      status: {
        addresses: addresses.map((address) => ({ type: 'InternalIP', address })),
        conditions: [readyCondition('True')],
      },
    })
    // Its kubelet, so that the control plane does not take it for lost.
    beat = setInterval(() => void lab.request('PATCH', `${leases}/${name}`, renewal()).catch(() => {}), 10_000)
    return await show()
  } finally {
    clearInterval(beat)
    for (const each of [path, `${leases}/${name}`]) {
      if ((await getOrUndefined(lab, each)) !== undefined) await lab.request('DELETE', each)
    }
  }
}

export function readyCondition(status: 'True' | 'False' | 'Unknown'): object {
  const now = new Date().toISOString()
  return { type: 'Ready', status, reason: 'Claim', message: '', lastHeartbeatTime: now, lastTransitionTime: now }
}

/** Runs `show` while worker1 is labelled for leaf1 and has a speaker whose session is up; all is as before afterwards. */
export async function withSpeakerOnWorker1<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  const address = await addressOf(lab, 'echo')
  try {
    await lab.labelNode('worker1', rackKey, 'leaf1')
    await lab.labelNode('worker1', speakerKey, 'openelb')
    await sessionBecomes(lab, 'leaf1', worker1, true)
    return await show()
  } finally {
    await lab.labelNode('worker1', speakerKey, null)
    await waitFor('the speaker of worker1 has ended', () => !hasSpeaker(lab, 'worker1'), { timeoutMs: 60_000 })
    await lab.labelNode('worker1', rackKey, null)
    // It counts as restarting until its Lease runs out; nobody waits for it here.
    const lease = '/apis/coordination.k8s.io/v1/namespaces/bellhop-system/leases/speaker-worker1'
    for (const path of [lease, objectPath('speakers', 'worker1')]) {
      if ((await getOrUndefined(lab, path)) !== undefined) await lab.request('DELETE', path)
    }
    await lab.exec('worker1', speakerCommand('--cleanup'))
    await routesAreBack(lab, address)
  }
}

export function hasSpeaker(lab: Lab, node: NodeName): boolean {
  return lab.pods().some((run) => run.node === node && run.programName() === 'speaker')
}

export const speakerCommand = (flag: string): readonly string[] => [
  new URL('../../node_modules/.bin/node', import.meta.url).pathname,
  new URL('../../speaker/main.ts', import.meta.url).pathname,
  flag,
]

/** Attributes of one way to an address, as a router's BGP table has them; empty strings where there are none. */
export interface PathAttributes {
  readonly asPath: string
  readonly communities: string
  readonly large: string
  readonly localPref: number | undefined
  readonly med: number | undefined
}

interface PathJson {
  readonly paths?: readonly {
    readonly peer?: { readonly peerId: string }
    readonly aspath?: { readonly string: string }
    readonly community?: { readonly string: string }
    readonly largeCommunity?: { readonly string: string }
    readonly locPrf?: number
    readonly metric?: number
  }[]
}

/** Rejects when the neighbour has told no way. */
export async function bgpPathOf(lab: Lab, leaf: LeafName, address: string, neighbor: string): Promise<PathAttributes> {
  const { paths = [] } = JSON.parse(await lab.router(leaf, [`show bgp ipv4 unicast ${address}/32 json`])) as PathJson
  const path = paths.find(({ peer }) => peer?.peerId === neighbor)
  if (path === undefined) throw new Error(`${neighbor} has told ${leaf} no way to ${address}`)
  return {
    asPath: path.aspath?.string ?? '',
    communities: path.community?.string ?? '',
    large: path.largeCommunity?.string ?? '',
    localPref: path.locPrf,
    med: path.metric,
  }
}

interface PeerJson {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly message: string }[] }
}

/** Waits until the condition NextHopsNotAdvertised of a BgpPeer is so; empty: it has none. */
export async function peerConditionBecomes(lab: Lab, name: string, wanted: RegExp): Promise<string> {
  let seen = ''
  await waitFor(
    `BgpPeer ${name} says ${wanted.source}`,
    async () => {
      const { status } = (await lab.request('GET', objectPath('bgppeers', name))) as PeerJson
      const found = status?.conditions?.find(({ type }) => type === 'NextHopsNotAdvertised')
      seen = found === undefined ? '' : `${found.type}: ${found.message}`
      return wanted.test(seen)
    },
    { timeoutMs: 30_000, missing: () => `it says ${seen || 'nothing'}` },
  )
  return seen
}
