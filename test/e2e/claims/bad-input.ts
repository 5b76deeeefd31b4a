// Bad input ends in one clear sentence: a refusal, or a warning that kubectl prints (openelb-api.md 1.3, 1.4).
import { createService, eipPath, removeEips } from '../address-steps.ts'
import { type Claim, addressKey, eipObject, expect, kubectl, poolKey, remove, serviceObject } from '../claim.ts'
import { type Lab, waitFor } from '../../lab/index.ts'

/** Refused, with a sentence that matches; resolves with the sentence. */
async function refused(lab: Lab, object: object, sentence: RegExp): Promise<string> {
  const { ok, said } = await kubectl(lab, ['create', '-f', '-'], object)
  expect(!ok, `it was accepted: ${JSON.stringify(object)}`)
  expect(sentence.test(said), `it was refused with: ${said}`)
  return said
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
        expect(/FIRST-LAST/.test(said) && /\/24/.test(said), `the forms are not named: ${said}`)
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
        await removeEips(lab, 'low', 'high')
        for (const address of ['192.168.77.1-192.168.77.100', '192.168.77.200-192.168.77.250']) {
          await refused(lab, make('bad', address), /eip address overlap with mid/)
        }
      } finally {
        await removeEips(lab, ...accepted)
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
        await removeEips(lab, 'second')
      }
      return 'both refused'
    },
  },
  {
    name: 'nobody hears a no of what the command before has ended: an Eip over one just deleted, a Service for one just created',
    async run(lab) {
      const rounds = 20
      const create = (name: string, address: string): Promise<unknown> =>
        lab.request('POST', eipPath('').slice(0, -1), eipObject(name, { address }))
      const named: string[] = []
      try {
        await create('over', '172.23.6.0/24')
        for (let round = 0; round < rounds; round++) {
          await lab.request('DELETE', eipPath(round === 0 ? 'over' : `over-${round - 1}`))
          await create(`over-${round}`, '172.23.6.0/24')
        }
        for (let round = 0; round < rounds; round++) {
          const name = `quick-${round}`
          named.push(name)
          await create(name, `172.23.7.${round}`)
          const { metadata } = await createService(lab, { name, annotations: { [poolKey]: name } })
          const address = metadata.annotations?.[addressKey]
          expect(address === `172.23.7.${round}`, `${name} was created with ${address ?? 'no address'}`)
        }
        return `${rounds} Eips with the same addresses one after the other; ${rounds} with a Service at once`
      } finally {
        if (named.length > 0) await remove(lab, 'service', ...named)
        await removeEips(lab, 'over', `over-${rounds - 1}`, ...named)
      }
    },
  },
  {
    name: 'a BgpPeer without a neighbour is refused and says what to write',
    run: (lab) => refused(lab, bgpPeer({ conf: { peerAs: 65001 } }), /neighborAddress/i),
  },
  {
    name: 'the webhook warns once of BgpPeers and BgpConfs: what means nothing, what is readable, what does not count',
    async run(lab) {
      const peer = (conf: object): object => ({
        apiVersion: 'network.kubesphere.io/v1alpha2',
        kind: 'BgpPeer',
        metadata: { name: 'adm-peer' },
        spec: { conf: { neighborAddress: '192.168.0.77', peerAs: 65001, adminDown: true, ...conf } },
      })
      const conf = (name: string, spec: object): object => ({
        ...{ apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'BgpConf' },
        ...{ metadata: { name }, spec },
      })
      const warnings = (said: string): readonly string[] =>
        said.split('\n').filter((line) => line.startsWith('Warning:'))
      try {
        const made = await kubectl(lab, ['create', '-f', '-'], peer({ vrf: 'red', authPassword: 'hunter2' }))
        expect(made.ok, made.said)
        expect(warnings(made.said).length === 2 && /spec\.conf\.vrf/.test(made.said), made.said)
        expect(/bellhop-peers/.test(made.said) && !/hunter2/.test(made.said), made.said)
        const again = await kubectl(lab, [
          'patch',
          'bgppeer',
          'adm-peer',
          '--type=merge',
          '-p',
          '{"spec":{"conf":{"localAs":7}}}',
        ])
        expect(again.ok && warnings(again.said).length === 0, `a second time: ${again.said}`)
        const both = peer({ authPassword: 'hunter2', authPasswordSecretRef: { name: 'x' } })
        const refused = await kubectl(lab, ['apply', '-f', '-'], both)
        expect(!refused.ok && /authPassword and authPasswordSecretRef/.test(refused.said), refused.said)
        const other = await kubectl(lab, ['create', '-f', '-'], conf('adm-other', { as: 1 }))
        expect(other.ok && /only the BgpConf named default counts/.test(other.said), other.said)
        return `${warnings(made.said).length + warnings(other.said).length} warnings, none twice, 1 refused`
      } finally {
        await remove(lab, 'bgppeer', 'adm-peer')
        await remove(lab, 'bgpconf', 'adm-other')
      }
    },
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
        await removeEips(lab, 'bound')
      }
      return '5 refused, one sentence each'
    },
  },
]
