// The network of the guide as objects, and scenarios that begin with a pool in it.
import { test } from 'node:test'
import { bgpConfs, bgpPeers } from '../../../src/io/kube/index.ts'
import { type Stage, openStage, session, speakerStatus } from './stage.ts'

export function scenario(name: string, run: (stage: Stage) => Promise<void>): void {
  void test(name, async () => {
    const stage = await openStage()
    try {
      stage.namespace('a')
      stage.eip('pool', { address: '192.0.2.0/24' })
      await run(stage)
    } finally {
      await stage.close()
    }
  })
}

/** Speakers on master and worker2, worker1 without label and speaker. */
export function putLab(stage: Stage): void {
  stage.node('master', { rack: 'leaf1', address: '192.168.0.3' })
  stage.node('worker1', { address: '192.168.0.4' })
  stage.node('worker2', { rack: 'leaf2', address: '192.168.1.2' })
  stage.api.put(bgpConfs, { metadata: { name: 'default' }, spec: { as: 50000 } })
  for (const [name, neighborAddress, peerAs] of [
    ['leaf1', '192.168.0.2', 50001],
    ['leaf2', '192.168.1.1', 50002],
  ] as const)
    stage.api.put(bgpPeers, { metadata: { name }, spec: { conf: { neighborAddress, peerAs } } })
  putSpeaker(stage, 'master', 'leaf1', 'ESTABLISHED')
  putSpeaker(stage, 'worker2', 'leaf2', 'ESTABLISHED')
}

export function putSpeaker(stage: Stage, node: string, rack: string, state: string): void {
  const subnet = rack === 'leaf1' ? '192.168.0.0/24' : '192.168.1.0/24'
  stage.speaker(node, speakerStatus(rack, [session(rack, state, { subnet })]))
  stage.lease(node)
}
