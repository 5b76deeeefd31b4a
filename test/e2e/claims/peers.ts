// Sessions that the two sides have to agree on: who dials, how many ways, passwords, large AS numbers.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { type Lab, waitFor } from '../../lab/index.ts'
import { type Claim, expect, getOrUndefined, kubectl } from '../claim.ts'
import {
  type Session,
  addressOf,
  bgpPathOf,
  changePeer,
  configureBgp,
  master,
  nextHopsBecome,
  objectPath,
  peerConditionBecomes,
  rackKey,
  routesAreBack,
  sessionBecomes,
  sessionOf,
  withNode,
  worker1,
  worker2,
} from '../route-steps.ts'

const secretPath = '/api/v1/namespaces/bellhop-peers/secrets'
const secretName = 'leaf2-md5'

/** Waits until leaf2 has a session that came up after the one before. */
async function freshSession(lab: Lab, before: Session, what: string): Promise<Session> {
  let seen = ''
  return waitFor(
    what,
    async () => {
      const now = await sessionOf(lab, 'leaf2', worker2)
      seen = `${now.bgpState}, up ${now.connectionsEstablished} times`
      const isNew = (now.connectionsEstablished ?? 0) > (before.connectionsEstablished ?? 0)
      return now.bgpState === 'Established' && isNew ? now : undefined
    },
    { timeoutMs: 60_000, missing: () => `leaf2 says ${seen}` },
  )
}

interface SpeakerSession {
  readonly peer: string
  readonly state: string
  readonly reason?: string
  readonly lastError?: string
}

/** Waits until worker2's speaker says so of its session with leaf2: state, reason, last error; resolves with that. */
async function speakerSays(lab: Lab, wanted: RegExp): Promise<string> {
  let seen = ''
  return waitFor(
    `Speaker worker2 says ${wanted.source} of leaf2`,
    async () => {
      const { status } = (await lab.request('GET', objectPath('speakers', 'worker2'))) as {
        readonly status: { readonly sessions: readonly SpeakerSession[] }
      }
      const { state, reason, lastError } = status.sessions.find(({ peer }) => peer === 'leaf2') ?? { state: 'none' }
      seen = [state, reason, lastError].filter((each) => each !== undefined).join(' ')
      return wanted.test(seen) ? seen : undefined
    },
    { timeoutMs: 60_000, everyMs: 200, missing: () => `it says ${seen}` },
  )
}

async function setPassword(lab: Lab, password: string | undefined): Promise<void> {
  const there = (await getOrUndefined(lab, `${secretPath}/${secretName}`)) !== undefined
  const stringData = { password }
  if (there && password === undefined) await lab.request('DELETE', `${secretPath}/${secretName}`)
  else if (there) await lab.request('PATCH', `${secretPath}/${secretName}`, { stringData })
  else if (password !== undefined) await lab.request('POST', secretPath, { metadata: { name: secretName }, stringData })
}

/** Every log of the lab's programs but the routers', where the password stands as they were told it. */
function readLogs(lab: Lab): string {
  return readdirSync(lab.files.logs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/bgpd|zebra/.test(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')
}

const dialsAt = `neighbor ${worker2} port 17900`
const dialsTable = [
  'add table ip dials',
  'add chain ip dials in { type filter hook input priority 0; }',
  `add rule ip dials in ip saddr ${worker2} tcp dport 179 tcp flags & (syn | ack) == syn counter`,
]

/** Connections that worker2 has tried to open to leaf2, since the table was made. */
async function dialsOf(lab: Lab): Promise<number> {
  const text = await lab.read('leaf2', 'nft list table ip dials')
  const [, packets] = /packets (\d+)/.exec(text) ?? []
  expect(packets !== undefined, `no counter in ${text}`)
  return Number(packets)
}

export const peers: readonly Claim[] = [
  {
    name: 'BGP-12 passiveMode: never dials; up when the router dials 17900',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const timers = (connectRetry: string | null): object => ({ timers: { config: { connectRetry } } })
      try {
        for (const line of dialsTable) await lab.read('leaf2', ['nft', line])
        // What is counted is what there is: a speaker that is not passive dials a router that is.
        await configureBgp(lab, 'leaf2', 'neighbor NODES passive')
        await changePeer(lab, 'leaf2', timers('1'))
        const first = await sessionOf(lab, 'leaf2', worker2)
        await lab.router('leaf2', [`clear bgp ${worker2}`])
        await freshSession(lab, first, 'the speaker dials')
        const dialled = await dialsOf(lab)
        expect(dialled > 0, 'the speaker dialled and nothing was counted')
        await changePeer(lab, 'leaf2', { transport: { passiveMode: true } })
        // Until it has heard of that it dials: ended again until the session stays away for three attempts' time.
        await waitFor(
          'no session comes up any more',
          async () => {
            await lab.router('leaf2', [`clear bgp ${worker2}`])
            const since = await dialsOf(lab)
            await pause(3000)
            return (await dialsOf(lab)) === since && (await sessionOf(lab, 'leaf2', worker2)).bgpState !== 'Established'
          },
          { timeoutMs: 60_000 },
        )
        const before = await dialsOf(lab)
        // FRR has forgotten the port of the group with the connection that came to it.
        await configureBgp(lab, 'leaf2', 'no neighbor NODES passive', dialsAt)
        const { portForeign } = await sessionBecomes(lab, 'leaf2', worker2, true)
        expect(portForeign === 17900, `the router's session is with port ${portForeign}`)
        await nextHopsBecome(lab, address, [master, worker1], [worker2], 60_000)
        expect((await dialsOf(lab)) === before, 'it dialled')
        return `${dialled} dials while active, none while passive; up by the router's, to port ${portForeign}`
      } finally {
        await configureBgp(lab, 'leaf2', 'no neighbor NODES passive', `no ${dialsAt}`)
        await changePeer(lab, 'leaf2', { timers: null, transport: null })
        await lab.exec('leaf2', 'nft delete table ip dials')
        await routesAreBack(lab, address)
      }
    },
  },
  {
    name: 'BGP-13 12 next hops, sendMax 16: 12; sendMax 10: 10, and a condition names the rest',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const ghosts = Array.from({ length: 10 }, (_, i) => ({
        name: `ghost-${i}`,
        addresses: [`192.168.0.${10 + i}`],
        labels: { [rackKey]: 'leaf1' },
      }))
      const sendMax = (most: number | null): Promise<void> =>
        changePeer(lab, 'leaf1', {
          afiSafis: most === null ? null : [{ addPaths: { config: { sendMax: most } } }],
        })
      const hopsOf = async (): Promise<readonly string[]> =>
        (await lab.bgpPaths('leaf1', address)).flatMap(({ peer, nextHop }) => (peer === master ? [nextHop] : []))
      const hopsBecome = async (count: number): Promise<readonly string[]> => {
        let seen: readonly string[] = []
        await waitFor(
          `the master tells leaf1 of ${count} next hops`,
          async () => {
            seen = await hopsOf()
            return seen.length === count
          },
          { timeoutMs: 60_000, missing: () => `it tells of ${seen.length}: ${seen.join()}` },
        )
        return seen
      }
      const showAll = async (): Promise<string> => {
        const all = await hopsBecome(12)
        const wanted = [master, worker1, ...ghosts.flatMap(({ addresses }) => addresses)]
        const missing = wanted.filter((hop) => !all.includes(hop))
        expect(missing.length === 0, `not told of: ${missing.join()}`)
        await peerConditionBecomes(lab, 'leaf1', /^$/)
        await sendMax(10)
        const ten = await hopsBecome(10)
        const rest = [...ghosts, { name: 'worker1', addresses: [worker1] }]
          .filter(({ addresses: [hop = ''] }) => !ten.includes(hop))
          .map(({ name }) => name)
        expect(ten.includes(master) && rest.length === 2, `10 next hops are ${ten.join()}`)
        // In whatever order.
        const names = rest.map((name) => `(?=.*\\b${name}\\b)`).join('')
        const said = await peerConditionBecomes(lab, 'leaf1', new RegExp(`NextHopsNotAdvertised${names}`))
        await sendMax(16)
        await hopsBecome(12)
        await peerConditionBecomes(lab, 'leaf1', /^$/)
        return `12, then 10 (${said}), then 12`
      }
      try {
        await sendMax(16)
        return await ghosts.reduce((show, ghost) => () => withNode(lab, ghost, show), showAll)()
      } finally {
        await sendMax(null)
        await routesAreBack(lab, address)
      }
    },
  },
  {
    name: 'BGP-14 MD5 by Secret: Secret missing: down; Secret appears: up; wrong key: down; each with its reason; the password is nowhere to be read',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const password = 'open-sesame-4711'
      const wrong = 'close-sesame-0815'
      const seen: string[] = []
      try {
        const first = await sessionOf(lab, 'leaf2', worker2)
        await configureBgp(lab, 'leaf2', `neighbor NODES password ${password}`)
        await changePeer(lab, 'leaf2', { conf: { authPasswordSecretRef: { name: secretName, key: 'password' } } })
        seen.push(await speakerSays(lab, /^IDLE PasswordMissing/))
        await nextHopsBecome(lab, address, [master, worker1], [], 60_000)
        await setPassword(lab, password)
        const up = await freshSession(lab, first, 'up once the Secret appears')
        await nextHopsBecome(lab, address, [master, worker1], [worker2], 60_000)
        await speakerSays(lab, /^ESTABLISHED/)
        await setPassword(lab, wrong)
        await sessionBecomes(lab, 'leaf2', worker2, false)
        seen.push(await speakerSays(lab, /^(?!ESTABLISHED).*password/))
        await nextHopsBecome(lab, address, [master, worker1], [], 60_000)
        await setPassword(lab, password)
        await freshSession(lab, up, 'up with the right key')
        const kinds = 'bgppeers,bgpconfs,speakers,racks,services,configmaps,events'
        const objects = await kubectl(lab, ['get', kinds, '-A', '-o', 'json'])
        expect(objects.ok && objects.out.includes(secretName), `the objects could not be read: ${objects.said}`)
        const logs = readLogs(lab)
        expect(logs.includes('"msg":"a peer is not to be had"'), 'the logs that were read are not those of the speaker')
        for (const word of [password, wrong]) {
          for (const each of [word, Buffer.from(word).toString('base64')]) {
            expect(!objects.out.includes(each), `${each} stands in an object`)
            expect(!logs.includes(each), `${each} stands in a log`)
          }
        }
        return seen.join('; ')
      } finally {
        await configureBgp(lab, 'leaf2', 'no neighbor NODES password')
        await changePeer(lab, 'leaf2', { conf: { authPasswordSecretRef: null } })
        await setPassword(lab, undefined)
        await routesAreBack(lab, address)
      }
    },
  },
  {
    name: 'BGP-15 AS 4200000001 and 4200000002: up, AS_PATH right',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const [ours, theirs] = [4200000001, 4200000002]
      const before = await sessionOf(lab, 'leaf2', worker2)
      try {
        await configureBgp(
          lab,
          'leaf2',
          `neighbor NODES remote-as ${ours}`,
          `neighbor NODES local-as ${theirs} no-prepend replace-as`,
        )
        await changePeer(lab, 'leaf2', { conf: { localAs: ours, peerAs: theirs } })
        const { remoteAs } = await freshSession(lab, before, 'a session between AS numbers of four octets')
        await nextHopsBecome(lab, address, [master, worker1], [worker2], 60_000)
        const { asPath } = await bgpPathOf(lab, 'leaf2', address, worker2)
        expect(remoteAs === ours && asPath.split(' ').at(-1) === String(ours), `AS ${remoteAs}, AS_PATH ${asPath}`)
        return `remote AS ${remoteAs}, AS_PATH ${asPath}`
      } finally {
        await configureBgp(lab, 'leaf2', 'no neighbor NODES local-as', 'neighbor NODES remote-as 50000')
        await changePeer(lab, 'leaf2', { conf: { localAs: null, peerAs: 50002 } })
        await routesAreBack(lab, address)
      }
    },
  },
]
