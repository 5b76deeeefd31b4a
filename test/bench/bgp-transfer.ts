// From "session up" to "End-of-RIB received" at FRR for 100,000 prefixes, by FRR's own log: ours, GoBGP and BIRD 2 in
// turn. FRR takes most of the time itself, the same for all: what differs is who sends, and in which messages.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { frr } from '../interop/daemons/index.ts'
import { type Network, openNetwork } from '../interop/network.ts'
import { waitFor } from '../lab/wait.ts'
import { type Sender, bellhop, bird, gobgp, prefixCount } from './bgp-senders.ts'
import { type Report, asRatio, quantile } from './measure.ts'

const rounds = 3

export async function measure(report: Report): Promise<void> {
  const network = await openNetwork('bench')
  const directory = mkdtempSync(join(tmpdir(), 'bench-bgp-'))
  const times = new Map<Sender, number[]>([bellhop, gobgp, bird].map((sender) => [sender, []]))
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [sender, values] of times) values.push(await transferMs(network, directory, sender))
    }
  } finally {
    await network.close()
    rmSync(directory, { recursive: true, force: true })
  }
  const median = (sender: Sender): number => quantile(times.get(sender) ?? [], 0.5)
  report(
    asRatio('100,000 prefixes to FRR, against GoBGP', 'ms', median(bellhop), median(gobgp), 1),
    asRatio('100,000 prefixes to FRR, against BIRD', 'ms', median(bellhop), median(bird), 4),
  )
}

async function transferMs(network: Network, directory: string, sender: Sender): Promise<number> {
  const running = await sender.start(network, directory)
  const router = await frr.start(network, { passive: true, withoutKernel: true, gracefulRestart: true, holdTime: 90 })
  try {
    const ended = await waitFor(
      `${sender.name}: End-of-RIB`,
      () => lineAtMs(router.said(), /rcvd End-of-RIB for IPv4/),
      {
        timeoutMs: 120_000,
      },
    )
    assert.equal(await router.count(4), prefixCount, `${sender.name}: all came before End-of-RIB`)
    const begun = lineAtMs(router.said(), /%ADJCHANGE: neighbor .* Up/)
    assert.ok(begun !== undefined, router.said().slice(0, 2000))
    return ended - begun
  } finally {
    await running.stop()
    await router.stop()
  }
}

// `2026/11/21 18:33:15.123456 BGP: ...`
function lineAtMs(log: string, wanted: RegExp): number | undefined {
  const line = log.split('\n').find((each) => wanted.test(each))
  const [, day, time, fraction] = /^(\S+) (\d+:\d+:\d+)(\.\d+)/.exec(line ?? '') ?? []
  if (day === undefined || time === undefined) return undefined
  return Date.parse(`${day.replaceAll('/', '-')}T${time}Z`) + Number(fraction) * 1000
}
