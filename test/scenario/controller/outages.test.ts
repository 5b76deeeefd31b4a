// The API server goes away and comes back: what the controller must not conclude from what it could not see.
import assert from 'node:assert/strict'
import { racks, services, speakers } from '../../../src/io/kube/index.ts'
import { putLab, scenario } from './lab.ts'

const advertised = 'bellhop.dev/Advertised'

scenario(
  'the API server away for an hour, every node Unknown when it is back: nobody is taken for silent, nothing is rewritten (part of BGP-20)',
  async (stage) => {
    putLab(stage)
    const controller = await stage.start()
    stage.claimedService('a/web', '192.0.2.1', 'pool')
    stage.endpoints('a/web', 'master')
    await stage.until('ingress', () => stage.ingress('a/web').length > 0)
    stage.lease('master')
    stage.lease('worker2')
    await stage.until('it is advertised', () => stage.condition(services, 'a/web', advertised)?.status === 'True')
    await stage.until('the rack', () => JSON.stringify(stage.get(racks, 'leaf1') ?? {}).includes('"worker1"'))
    await stage.until('Alive', () => stage.condition(speakers, 'worker2', 'Alive')?.status === 'True')
    await stage.rest()
    stage.lease('master')
    stage.lease('worker2')
    await stage.rest(1000)
    const rack = stage.get(racks, 'leaf1')?.['status']
    await stage.api.stop()
    await stage.until('nobody leads', () => !controller.isLeading(), { stepMs: 1000 })
    await stage.rest(3_600_000)
    for (const [name, label, address] of [
      ['master', 'leaf1', '192.168.0.3'],
      ['worker2', 'leaf2', '192.168.1.2'],
    ] as const)
      stage.node(name, { rack: label, address, ready: 'Unknown' })
    stage.node('worker1', { address: '192.168.0.4', ready: 'Unknown' })
    const before = stage.writes().length
    await stage.api.start()
    await stage.until('it leads', () => controller.isLeading(), { stepMs: 100, maxMs: 30_000 })
    // Speakers come back a little later each.
    await stage.rest(11_000)
    const concerned = (): readonly string[] =>
      stage
        .writes()
        .slice(before)
        .map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(concerned(), [])
    for (let seconds = 0; seconds < 60; seconds += 10) {
      stage.lease('master')
      // worker2's speaker has died meanwhile.
      await stage.rest(10_000)
    }
    assert.deepEqual(stage.get(racks, 'leaf1')?.['status'], rack)
    assert.equal(stage.condition(speakers, 'worker2', 'Alive')?.status, 'False', 'the one that is dead is found out')
    assert.equal(stage.condition(speakers, 'master', 'Alive')?.status, 'True')
    assert.equal(stage.condition(services, 'a/web', advertised)?.status, 'True')
  },
)
