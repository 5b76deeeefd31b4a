// BgpConf and BgpPeer being created or changed (openelb-api.md 1.6).
import type { BgpConf, BgpPeer, KubeObjectLike, Reason } from '../model/index.ts'
import { objectAt, stringAt } from '../model/index.ts'
import { type Judgement, allow } from './verdict.ts'

export function judgeBgpPeer(after: BgpPeer, object: KubeObjectLike): Judgement {
  if (after.deleting) return allow
  const conf = objectAt(object.spec, 'conf')
  const refuse = (message: string): Judgement => ({ kind: 'refuse', reason: { code: 'MalformedObject', message } })
  if (Object.keys(conf).length === 0) {
    return refuse(`BgpPeer ${after.name} has no spec.conf; give it neighborAddress and peerAs`)
  }
  if (after.neighbor === undefined) {
    const text = stringAt(conf, 'neighborAddress')
    const what = text === undefined ? 'is missing' : `is "${text}", which is no IP address`
    return refuse(
      `field Spec.Conf.NeighborAddress invalid: it ${what} in BgpPeer ${after.name}; write the address of the router`,
    )
  }
  if (after.peerAs === 0)
    return refuse(`BgpPeer ${after.name} has no spec.conf.peerAs; write the AS number of the router`)
  if (stringAt(conf, 'authPassword') !== undefined && stringAt(conf, 'authPasswordSecretRef', 'name') !== undefined) {
    return refuse(`BgpPeer ${after.name} has both authPassword and authPasswordSecretRef; keep the latter`)
  }
  const warnings: Reason[] = []
  if (after.password?.kind === 'plain') {
    const message = `BgpPeer ${after.name} has its password in plain text; put it in a Secret of namespace bellhop-peers and name that in conf.authPasswordSecretRef`
    warnings.push({ code: 'MalformedObject', message })
  }
  return { kind: 'allow', warnings }
}

export function judgeBgpConf(after: BgpConf): Judgement {
  if (after.deleting || after.name === 'default') return allow
  const message = `BgpConf ${after.name} is not used: only the BgpConf named default counts`
  return { kind: 'allow', warnings: [{ code: 'NotDefaultConf', message }] }
}
