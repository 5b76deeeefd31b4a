// What the controller's metrics say of the cluster, and that they fall silent with what they are about.
import assert from 'node:assert/strict'
import type { Controller } from '../../../controller/wiring.ts'
import { eips, services, speakers } from '../../../src/io/kube/index.ts'
import { putLab, putSpeaker, scenario } from './lab.ts'
import { type Stage, optIn, poolKey, speakerStatus } from './stage.ts'

/** Series without the prefix → value. */
async function read({ healthPort }: Controller): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${healthPort}/metrics`)
  const lines = (await answer.text()).matchAll(/^bellhop_(\S+?(?:\{.*\})?) (\S+)$/gm)
  return new Map(Array.from(lines, ([, series = '', value]) => [series, Number(value)]))
}

async function become(
  stage: Stage,
  controller: Controller,
  wanted: Readonly<Record<string, number | undefined>>,
): Promise<void> {
  let seen: ReadonlyMap<string, number> = new Map()
  const differs = (): readonly string[] =>
    Object.entries(wanted).flatMap(([series, value]) =>
      seen.get(series) === value ? [] : [`${series} is ${seen.get(series)} and not ${value}`],
    )
  for (let look = 0; look < 60; look++) {
    seen = await read(controller)
    if (differs().length === 0) return
    await stage.rest(500)
  }
  assert.fail(differs().join('; '))
}

scenario('pools by family and state as their status says, and gone with the Eip', async (stage) => {
  stage.eip('both', { address: '198.51.100.0/30', extraAddresses: ['2001:db8::/126'], excludes: ['198.51.100.3'] })
  stage.claimedService('a/one', '198.51.100.1', 'both')
  const controller = await stage.start()
  const series = (family: string, state: string): string =>
    `pool_addresses{eip="both",family="${family}",state="${state}"}`
  await become(stage, controller, {
    [series('IPv4', 'total')]: 3,
    [series('IPv4', 'used')]: 1,
    [series('IPv4', 'free')]: 2,
    [series('IPv6', 'total')]: 4,
    [series('IPv6', 'used')]: 0,
    [series('IPv6', 'free')]: 4,
    'pool_addresses{eip="pool",family="IPv6",state="total"}': undefined,
  })
  stage.api.remove(eips, 'both')
  stage.api.remove(services, 'a/one')
  await become(stage, controller, { [series('IPv4', 'total')]: undefined, [series('IPv6', 'used')]: undefined })
})

scenario('Services that wait, by reason; one that had to is not timed, one that had not is', async (stage) => {
  const controller = await stage.start()
  await stage.until('it leads', () => controller.isLeading())
  stage.service('a/late', { annotations: { ...optIn, [poolKey]: 'nowhere' } })
  await become(stage, controller, {
    'services_waiting{reason="UnknownPool"}': 1,
    time_to_address_seconds_count: 0,
  })
  stage.service('a/prompt', { annotations: { ...optIn, [poolKey]: 'pool' } })
  await become(stage, controller, { time_to_address_seconds_count: 1 })
  stage.eip('nowhere', { address: '198.51.100.0/30' })
  await become(stage, controller, {
    'services_waiting{reason="UnknownPool"}': undefined,
    time_to_address_seconds_count: 1,
  })
  assert.ok(((await read(controller)).get('queue_wait_seconds_count{duty="services"}') ?? 0) > 0)
})

scenario('Services that no router has, by reason, until one has', async (stage) => {
  putLab(stage)
  putSpeaker(stage, 'master', 'leaf1', 'ACTIVE')
  putSpeaker(stage, 'worker2', 'leaf2', 'ACTIVE')
  const controller = await stage.start()
  await stage.until('it leads', () => controller.isLeading())
  stage.service('a/web', { annotations: { ...optIn, [poolKey]: 'pool' } })
  stage.endpoints('a/web', 'master')
  await become(stage, controller, {
    'services_unadvertised{reason="NoSession"}': 1,
    time_to_advertised_seconds_count: 0,
  })
  putSpeaker(stage, 'master', 'leaf1', 'ESTABLISHED')
  await become(stage, controller, {
    'services_unadvertised{reason="NoSession"}': undefined,
    time_to_advertised_seconds_count: 1,
  })
})

scenario(
  'racks: nodes by state, speakers by state, who is silent; a replica that does not lead says nothing',
  async (stage) => {
    putLab(stage)
    const leader = await stage.start('one')
    await stage.until('it leads', () => leader.isLeading())
    const other = await stage.start('two')
    await become(stage, leader, {
      'rack_nodes{rack="leaf1",state="usable"}': 2,
      'rack_nodes{rack="leaf2",state="usable"}': 1,
      'rack_speakers{rack="leaf1",state="speaking"}': 1,
      'rack_speakers{rack="leaf1",state="silent"}': 0,
      'rack_speakers{rack="none",state="speaking"}': undefined,
      leading: 1,
    })
    const silent = [...(await read(other)).keys()].filter((series) => /^(rack|pool|services|speaker)_/.test(series))
    assert.deepEqual(silent, [], 'the replica that does not lead serves nothing that it does not know better')
    assert.equal((await read(other)).get('leading'), 0)
    stage.node('worker2', { rack: 'leaf2', address: '192.168.1.2', ready: 'False' })
    await become(stage, leader, {
      'rack_nodes{rack="leaf2",state="usable"}': 0,
      'rack_nodes{rack="leaf2",state="NodeNotReady"}': 1,
    })
    // Nobody renews the Leases of this stage.
    await stage.until('master is silent', () => stage.condition(speakers, 'master', 'Alive')?.status === 'False', {
      stepMs: 1_000,
      maxMs: 60_000,
    })
    await become(stage, leader, {
      'speaker_silent{node="master"}': 1,
      'rack_speakers{rack="leaf1",state="speaking"}': 0,
      'rack_speakers{rack="leaf1",state="silent"}': 1,
    })
    // It has said that it leaves: that is no loss.
    stage.speaker('master', speakerStatus('leaf1', [], { state: 'Leaving' }))
    await become(stage, leader, {
      'speaker_silent{node="master"}': undefined,
      'rack_speakers{rack="leaf1",state="silent"}': 0,
    })
    await leader.close()
    await stage.until('the other leads', () => other.isLeading(), { stepMs: 500, maxMs: 60_000 })
  },
)
