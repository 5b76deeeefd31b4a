import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { type Judgement, judgeBgpConf, judgeBgpPeer } from '../../../src/core/admission/index.ts'
import type { KubeObjectLike } from '../../../src/core/model/index.ts'

type Spec = Readonly<Record<string, unknown>>

const good: Spec = { neighborAddress: '192.168.0.2', peerAs: 50001 }
const peer = (conf: Spec | undefined, more: Spec = {}, metadata: Spec = {}): KubeObjectLike => ({
  metadata: { name: 'leaf1', ...metadata },
  spec: { ...(conf === undefined ? {} : { conf }), ...more },
})
const conf = (spec: Spec, name = 'default'): KubeObjectLike => ({ metadata: { name }, spec })

/** `refuse SENTENCE`, or each warning on a line. */
function said(judgement: Judgement): string {
  if (judgement.kind === 'refuse') return `refuse ${judgement.reason.message}`
  return judgement.warnings.map(({ message }) => message).join('\n')
}

suite('a BgpPeer', () => {
  test('with a neighbour and its AS number is allowed without a word', () => {
    assert.equal(said(judgeBgpPeer(peer(good))), '')
    const used = { transport: { passiveMode: true, remotePort: 17900 }, ttlSecurity: true }
    assert.equal(said(judgeBgpPeer(peer({ ...good, localAs: 7, adminDown: true }, used))), '')
  })

  test('without conf, neighbour or AS number is refused and says what to write', () => {
    assert.match(said(judgeBgpPeer(peer(undefined))), /^refuse BgpPeer leaf1 has no spec\.conf.*set neighborAddress/)
    assert.match(
      said(judgeBgpPeer(peer({ peerAs: 1 }))),
      /^refuse field Spec\.Conf\.NeighborAddress invalid: .*missing/,
    )
    assert.match(said(judgeBgpPeer(peer({ ...good, neighborAddress: 'leaf' }))), /is "leaf", which is no IP address/)
    assert.match(said(judgeBgpPeer(peer({ ...good, peerAs: 0 }))), /^refuse BgpPeer leaf1 has no spec\.conf\.peerAs/)
  })

  test('with its password in clear: a warning that does not repeat it; in both ways: refused; by Secret: fine', () => {
    const plain = said(judgeBgpPeer(peer({ ...good, authPassword: 'hunter2' })))
    assert.match(plain, /^BgpPeer leaf1 has its password in plain text.*bellhop-peers/)
    assert.doesNotMatch(plain, /hunter2/)
    const authPasswordSecretRef = { name: 'leaf1' }
    const both = said(judgeBgpPeer(peer({ ...good, authPassword: 'hunter2', authPasswordSecretRef })))
    assert.match(both, /^refuse .*both authPassword and authPasswordSecretRef.*remove authPassword$/)
    assert.equal(said(judgeBgpPeer(peer({ ...good, authPasswordSecretRef }))), '')
  })

  test('with knobs of GoBGP: one warning names all that are set, and none that is at its zero value', () => {
    const knobs = { vrf: 'red', peerGroup: '', routeFlapDamping: false, allowOwnAs: 2 }
    const more = { transport: { mtuDiscovery: true }, gracefulRestart: { enabled: true, deferralTime: 5 } }
    assert.equal(
      said(judgeBgpPeer(peer({ ...good, ...knobs }, more))),
      'spec.conf.vrf, spec.conf.allowOwnAs, spec.transport.mtuDiscovery, spec.gracefulRestart.deferralTime of BgpPeer leaf1 are accepted for OpenELB manifests and without effect; leave them out',
    )
  })

  test('with a family that is not offered: a warning; with none left: one more', () => {
    const family = (afi: string, safi: string): Spec => ({ config: { family: { afi, safi }, enabled: true } })
    const some = { afiSafis: [family('AFI_IP', 'SAFI_UNICAST'), family('AFI_L2VPN', 'SAFI_EVPN')] }
    assert.match(said(judgeBgpPeer(peer(good, some))), /^BgpPeer leaf1 asks for AFI_L2VPN\/SAFI_EVPN in [^\n]*$/)
    const none = { afiSafis: [family('AFI_L2VPN', 'SAFI_EVPN')] }
    assert.match(said(judgeBgpPeer(peer(good, none))), /\nBgpPeer leaf1 has no family left/)
  })

  test('being changed is judged in what changes; being deleted it passes', () => {
    const bad = peer({ peerAs: 1 })
    assert.equal(said(judgeBgpPeer(peer({ peerAs: 1, description: 'x' }), bad)), '')
    assert.match(said(judgeBgpPeer(bad, peer(good))), /^refuse /)
    const known = peer({ ...good, authPassword: 'a', vrf: 'red' })
    assert.equal(said(judgeBgpPeer(peer({ ...good, authPassword: 'b', vrf: 'red', localAs: 7 }), known)), '')
    assert.match(said(judgeBgpPeer(peer({ ...good, vrf: 'red', allowOwnAs: 1 }), known)), /vrf, spec\.conf\.allowOwnAs/)
    assert.equal(said(judgeBgpPeer(peer(undefined, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }))), '')
  })
})

suite('a BgpConf', () => {
  test('named default with an AS number is allowed without a word', () => {
    assert.equal(said(judgeBgpConf(conf({ as: 50000, listenPort: 17900, gracefulRestart: { enabled: true } }))), '')
  })

  test('of another name: a warning that it does not count, and no other', () => {
    assert.match(said(judgeBgpConf(conf({ families: [65537] }, 'other'))), /^BgpConf other is not used: [^\n]*$/)
  })

  test('without an AS number, with one identifier for all, with fields that mean nothing: a warning each', () => {
    assert.match(said(judgeBgpConf(conf({}))), /^BgpConf default has no spec\.as/)
    assert.match(said(judgeBgpConf(conf({ as: 1, routerId: '10.0.0.1' }))), /^spec\.routerId .*leave it out/)
    const unused = { as: 1, families: [65537], useMultiplePaths: true, policy: 'gobgp' }
    assert.match(
      said(judgeBgpConf(conf(unused))),
      /^spec\.families, spec\.useMultiplePaths, spec\.policy of BgpConf default are/,
    )
    assert.equal(said(judgeBgpConf(conf({ as: 1, families: [], useMultiplePaths: false }))), '')
  })

  test('being changed: said once', () => {
    assert.equal(said(judgeBgpConf(conf({ as: 2, policy: 'gobgp' }), conf({ as: 1, policy: 'gobgp' }))), '')
  })
})
