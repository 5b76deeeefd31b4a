// Host routes into the kernel of a namespace of this suite's own: thousands asked for at once, until the last one is
// there; beside `ip -batch` with the same routes. And what it costs to look at them, which is done every 13 s: 130 ms are a
// hundredth of that.
import { execFileSync } from 'node:child_process'

import { formatIp } from '../../src/core/address/index.ts'
import { openNamespace, reasonAgainstNamespaces } from '../unit/io/netlink/namespace.ts'
import type { Times } from './host-routes-applier.ts'
import { hostAddresses } from './host-routes-addresses.ts'
import { type Report, asRatio, asValue, quantile } from './measure.ts'

const runs = 3

export async function measure(report: Report): Promise<void> {
  const reason = reasonAgainstNamespaces()
  if (reason !== undefined) throw new Error(reason)
  const ours: Times[] = []
  const batches: number[] = []
  for (let run = 0; run < runs; run++) {
    batches.push(inNamespace(`b${run}`, (name) => timeBatch(name)))
    ours.push(JSON.parse(await inNamespaceNode(`r${run}`)) as Times)
  }
  const middle = (read: (times: Times) => number): number => quantile(ours.map(read), 0.5)
  const added = middle(({ addedMs }) => addedMs)
  const batch = quantile(batches, 0.5)
  report(
    asValue('10,000 host routes, asked to there', 'ms', added, 2000),
    asRatio('the same beside ip -batch', 'ms', added, batch, 10),
    asRatio(
      '1,000 of IPv6 beside a tenth of it',
      'ms',
      middle(({ added6Ms }) => added6Ms),
      batch / 10,
      15,
    ),
    asRatio(
      'all 11,000 gone beside it',
      'ms',
      middle(({ removedMs }) => removedMs),
      batch,
      10,
    ),
    asValue(
      'one more beside them, asked to there',
      'ms',
      middle(({ oneMs }) => oneMs),
      20,
    ),
    asValue(
      'a look at all 11,000, CPU',
      'ms',
      middle(({ lookCpuMs }) => lookCpuMs),
      130,
    ),
  )
}

function inNamespace<T>(suffix: string, act: (name: string) => T): T {
  const namespace = openNamespace(suffix)
  try {
    return act(namespace.name)
  } finally {
    namespace.remove()
  }
}

async function inNamespaceNode(suffix: string): Promise<string> {
  const namespace = openNamespace(suffix)
  try {
    return await namespace.node(new URL('./host-routes-applier.ts', import.meta.url))
  } finally {
    namespace.remove()
  }
}

function timeBatch(namespace: string): number {
  const input = hostAddresses(4)
    .map((address) => `route add local ${formatIp(address)} dev lo table 196 proto 196\n`)
    .join('')
  const begun = performance.now()
  execFileSync('ip', ['-n', namespace, '-batch', '-'], { input, timeout: 60_000 })
  return performance.now() - begun
}
