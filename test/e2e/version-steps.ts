// Steps that claims about kinds and versions have in common: any object of the three kinds that users write, in either
// version.
import { objectAt } from '../../src/core/model/index.ts'
import type { Lab } from '../lab/index.ts'

export type Fields = Readonly<Record<string, unknown>>

export const group = 'network.kubesphere.io'
export const plurals = { Eip: 'eips', BgpConf: 'bgpconfs', BgpPeer: 'bgppeers' } as const
export type Kind = keyof typeof plurals

export function object(version: string, kind: string, name: string, spec: Fields): object {
  return { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec }
}

/** A neighbour that is not there. */
export const router = { neighborAddress: '172.23.1.250', peerAs: 65010 }

export function pathOf(kind: Kind, version: string, name: string): string {
  return `/apis/${group}/${version}/${plurals[kind]}/${name}`
}

export async function read(lab: Lab, kind: Kind, version: string, name: string): Promise<Fields> {
  return objectAt(await lab.request('GET', pathOf(kind, version, name)))
}
