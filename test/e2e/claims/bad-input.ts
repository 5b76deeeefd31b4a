// Bad input ends in one clear sentence: a refusal, or a warning that kubectl prints (openelb-api.md 1.3, 1.4).
import {
  type Claim,
  addressKey,
  conditionOf,
  eipObject,
  expect,
  getService,
  kubectl,
  poolKey,
  remove,
  serviceObject,
} from '../claim.ts'
import { type Lab, waitFor } from '../../lab/index.ts'

/** Refused, with a sentence that matches; resolves with the sentence. */
async function refused(lab: Lab, object: object, sentence: RegExp): Promise<string> {
  const { ok, said } = await kubectl(lab, ['create', '-f', '-'], object)
  expect(!ok, `it was accepted: ${JSON.stringify(object)}`)
  expect(sentence.test(said), `it was refused with: ${said}`)
  return said
}

/** Admitted with a warning that matches, and waiting with that reason. */
async function waits(lab: Lab, name: string, annotations: Record<string, string>, reason: string): Promise<string> {
  const { ok, said } = await kubectl(lab, ['create', '-f', '-'], serviceObject({ name, annotations }))
  expect(ok, `it was refused: ${said}`)
  const [warning = ''] = said.split('\n').filter((line) => line.startsWith('Warning:'))
  expect(warning !== '', `there was no warning; kubectl said: ${said}`)
  await waitFor(
    `condition EipAssigned of ${name} says ${reason}`,
    async () => conditionOf(await getService(lab, name), 'EipAssigned').startsWith(`False ${reason}`),
    { timeoutMs: 10_000 },
  )
  return warning
}

const bgpPeer = (spec: object): object => ({
  apiVersion: 'network.kubesphere.io/v1alpha2',
  kind: 'BgpPeer',
  metadata: { name: 'bad' },
  spec,
})

export const badInput: readonly Claim[] = [
  {
    name: 'POOL-04 an Eip xxxx, reversed or with three ends is refused with its value and the forms allowed',
    async run(lab) {
      const values = ['xxxx', '192.168.9.100-192.168.9.1', '1.1.1.1-1.1.1.2-1.1.1.3']
      for (const value of values) {
        const said = await refused(lab, eipObject('bad', { address: value }), /invalid eip address format/)
        expect(said.includes(value), `the value is not named: ${said}`)
      }
      return `${values.length} refused`
    },
  },
  {
    name: 'POOL-09 layer2 and vip without interface, and an unknown protocol, are refused',
    async run(lab) {
      for (const protocol of ['layer2', 'vip']) {
        await refused(lab, eipObject('bad', { address: '10.9.9.9', protocol }), /interface should not be empty/)
      }
      await refused(lab, eipObject('bad', { address: '10.9.9.9', protocol: 'foo' }), /protocol/)
      return '3 refused'
    },
  },
  {
    name: 'POOL-05 a range that overlaps another Eip is refused naming it, its neighbours are accepted',
    async run(lab) {
      const make = (name: string, address: string): object => eipObject(name, { address })
      const accepted = ['mid', 'low', 'high']
      try {
        for (const [name, address] of [
          ['mid', '192.168.77.100-192.168.77.200'],
          ['low', '192.168.77.1-192.168.77.99'],
          ['high', '192.168.77.201-192.168.77.250'],
        ] as const) {
          const { ok, said } = await kubectl(lab, ['create', '-f', '-'], make(name, address))
          expect(ok, `${name} was refused: ${said}`)
        }
        await remove(lab, 'eip', 'low', 'high')
        for (const address of ['192.168.77.1-192.168.77.100', '192.168.77.200-192.168.77.250']) {
          await refused(lab, make('bad', address), /eip address overlap with mid/)
        }
      } finally {
        await remove(lab, 'eip', ...accepted)
      }
      return 'neighbours accepted, overlaps refused naming mid'
    },
  },
  {
    name: 'POOL-10 a second default Eip is refused, created or by annotation',
    async run(lab) {
      const mark = { 'eip.openelb.kubesphere.io/is-default-eip': 'true' }
      await refused(lab, eipObject('bad', { address: '10.9.9.9' }, mark), /already exists a default EIP/)
      try {
        await kubectl(lab, ['create', '-f', '-'], eipObject('second', { address: '10.9.9.9' }))
        const { ok, said } = await kubectl(lab, [
          'annotate',
          'eip',
          'second',
          'eip.openelb.kubesphere.io/is-default-eip=true',
        ])
        expect(!ok && /already exists a default EIP/.test(said), `annotating said: ${said}`)
      } finally {
        await remove(lab, 'eip', 'second')
      }
      return 'both refused'
    },
  },
  {
    name: 'a BgpPeer without a neighbour is refused and says what to write',
    run: (lab) => refused(lab, bgpPeer({ conf: { peerAs: 65001 } }), /neighborAddress/i),
  },
  {
    name: 'ADM-13 address outside the asked pool, protocol, family, malformed address, pool of another namespace: refused',
    async run(lab) {
      const bound = eipObject('bound', { address: '172.22.9.0/30', namespaces: ['elsewhere'] })
      await kubectl(lab, ['create', '-f', '-'], bound)
      try {
        await waitFor('the webhook knows Eip bound', async () => {
          const { ok, said } = await kubectl(
            lab,
            ['create', '--dry-run=server', '-f', '-'],
            serviceObject({ name: 'bad', annotations: { [poolKey]: 'bound' } }),
          )
          return !ok && /bound to other namespaces/.test(said)
        })
        const rows: readonly (readonly [Record<string, string>, Record<string, unknown>, RegExp])[] = [
          [{ [poolKey]: 'eip-sample-pool', [addressKey]: '10.1.1.1' }, {}, /is not in Eip eip-sample-pool/],
          [{ [poolKey]: 'eip-sample-pool', 'protocol.openelb.kubesphere.io/v1alpha1': 'layer2' }, {}, /protocol/],
          [{ [poolKey]: 'eip-sample-pool' }, { ipFamilies: ['IPv6'] }, /IPv6/],
          [{ [addressKey]: '10.0.0.999' }, {}, /no IP address/],
        ]
        for (const [annotations, spec, sentence] of rows) {
          await refused(lab, serviceObject({ name: 'bad', annotations, spec }), sentence)
        }
      } finally {
        await remove(lab, 'eip', 'bound')
      }
      return '5 refused, one sentence each'
    },
  },
  {
    name: 'an unknown pool, an address outside every pool, a pool that is full: admitted with a warning, waiting with that reason',
    async run(lab) {
      const names = ['lacks-pool', 'lacks-address', 'has-one', 'lacks-room']
      try {
        const said = [
          await waits(lab, 'lacks-pool', { [poolKey]: 'later' }, 'UnknownPool'),
          await waits(lab, 'lacks-address', { [addressKey]: '10.77.0.1' }, 'AddressInNoPool'),
        ]
        await kubectl(lab, ['create', '-f', '-'], eipObject('one', { address: '172.22.8.1' }))
        const first = await kubectl(
          lab,
          ['create', '-f', '-'],
          serviceObject({ name: 'has-one', annotations: { [poolKey]: 'one' } }),
        )
        expect(first.ok, first.said)
        said.push(await waits(lab, 'lacks-room', { [poolKey]: 'one' }, 'PoolFull'))
        await kubectl(lab, ['create', '-f', '-'], eipObject('later', { address: '172.22.7.0/30' }))
        await waitFor('the Service that waited for Eip later has its address', async () =>
          conditionOf(await getService(lab, 'lacks-pool'), 'EipAssigned').startsWith('True'),
        )
        return said.join(' | ')
      } finally {
        await remove(lab, 'service', ...names)
        await waitFor(
          'their addresses are free',
          async () => !/172\.22\.[78]\./.test((await kubectl(lab, ['get', 'eipa', '-o', 'name'])).out),
          { timeoutMs: 30_000 },
        )
        await remove(lab, 'eip', 'one', 'later')
      }
    },
  },
]
