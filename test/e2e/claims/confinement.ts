// The programs on their nodes: what the kernel lets them do, and what they listen on.
import { readFileSync } from 'node:fs'

import { type Lab, type NodeName, nodes } from '../../lab/index.ts'
import { rootMayRead } from '../../lab/programs.ts'
import { type Claim, expect } from '../claim.ts'

// linux/capability.h
const readSearch = 2n
const bindService = 10n
const admin = 12n
const bits = (...capabilities: readonly bigint[]): bigint => capabilities.reduce((sum, each) => sum | (1n << each), 0n)

interface Status {
  readonly uid: string
  readonly noNewPrivs: string
  /** Masks: inheritable, permitted, effective, bounding, ambient. */
  readonly masks: Readonly<Record<'CapInh' | 'CapPrm' | 'CapEff' | 'CapBnd' | 'CapAmb', bigint>>
}

function statusOf(pid: number): Status {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? ''
  const mask = (name: string): bigint => BigInt(`0x${field(name)}`)
  return {
    uid: field('Uid').split('\t')[0] ?? '',
    noNewPrivs: field('NoNewPrivs'),
    masks: {
      ...{ CapInh: mask('CapInh'), CapPrm: mask('CapPrm'), CapEff: mask('CapEff') },
      ...{ CapBnd: mask('CapBnd'), CapAmb: mask('CapAmb') },
    },
  }
}

/** What `ss` says of the process in its node's namespace: `tcp 192.168.0.3:9082`. */
async function listening(lab: Lab, node: NodeName, pid: number): Promise<readonly string[]> {
  const text = await lab.read(node, 'ss -Htulnp')
  return text
    .split('\n')
    .filter((line) => line.includes(`pid=${pid},`))
    .map((line) => line.split(/\s+/))
    .map(([protocol = '', , , , address = '']) => `${protocol} ${address}`)
    .toSorted()
}

export const confinement: readonly Claim[] = [
  {
    name: 'a speaker has NET_ADMIN and NET_BIND_SERVICE and can gain no more; it listens for BGP and on its metrics address, nothing else',
    async run(lab) {
      // Where this repository is closed to all but its owner, the lab lends the right to read it.
      const lent = (await rootMayRead(import.meta.filename, process.execPath)) ? 0n : bits(readSearch)
      const seen: string[] = []
      for (const node of ['master', 'worker2'] as const) {
        const [pid, ...more] = lab.program('speaker', node).pids()
        expect(pid !== undefined && more.length === 0, `${more.length} more speakers on ${node}`)
        const { noNewPrivs, masks } = statusOf(pid)
        for (const name of ['CapPrm', 'CapEff', 'CapBnd'] as const) {
          const mask = masks[name] & ~lent
          expect(mask === bits(bindService, admin), `${name} of the speaker on ${node} is ${mask.toString(16)}`)
        }
        expect(masks.CapAmb === 0n, `CapAmb is ${masks.CapAmb.toString(16)}`)
        expect(noNewPrivs === '1', `NoNewPrivs is ${noNewPrivs}`)
        const sockets = await listening(lab, node, pid)
        const metrics = `tcp ${nodes[node].address}:9082`
        const others = sockets.filter((each) => each !== metrics)
        expect(sockets.includes(metrics), `the metrics are not served: ${sockets.join(', ')}`)
        expect(others.length > 0 && others.every((each) => /^tcp \S+:17900$/.test(each)), sockets.join(', '))
        seen.push(`${node}: CapEff ${masks.CapEff.toString(16)}, ${sockets.join(', ')}`)
      }
      return seen.join('; ')
    },
  },
  {
    name: 'webhook and controller are no root, have no capability and can gain none',
    run(lab) {
      const seen: string[] = []
      for (const program of ['webhook', 'controller']) {
        const pids = lab.program(program).pids()
        expect(pids.length === 2, `${pids.length} of ${program} run`)
        for (const pid of pids) {
          const { uid, noNewPrivs, masks } = statusOf(pid)
          expect(uid !== '0', `${program} runs as root`)
          expect(noNewPrivs === '1', `NoNewPrivs of ${program} is ${noNewPrivs}`)
          // The lab lends the right to read this repository, which takes the place of an image.
          for (const [name, mask] of Object.entries(masks)) {
            expect((mask & ~bits(readSearch)) === 0n, `${name} of ${program} is ${mask.toString(16)}`)
          }
          seen.push(`${program} as ${uid}`)
        }
      }
      return Promise.resolve(seen.join(', '))
    },
  },
]
