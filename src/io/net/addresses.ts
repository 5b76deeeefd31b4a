// The addresses and subnets of this node's interfaces, as they are now.
import { networkInterfaces } from 'node:os'
import { type Ip, type Prefix, parseIp, prefixOf, sameIp } from '../../core/address/index.ts'

export interface InterfaceAddress {
  readonly interface: string
  readonly ip: Ip
  readonly subnet: Prefix
  /** fe80::/10, 169.254/16: no next hop for others. */
  readonly linkLocal: boolean
}

/** Of every interface that is up, `lo` left out. */
export function listAddresses(): readonly InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
    (entries ?? []).flatMap((entry) => {
      const ip = parseIp(entry.address.split('%')[0] ?? '')
      const length = Number(entry.cidr?.split('/')[1])
      if (entry.internal || ip === undefined || !Number.isInteger(length)) return []
      return [{ interface: name, ip, subnet: prefixOf(ip, length), linkLocal: isLinkLocal(ip) }]
    }),
  )
}

/** The addresses on the interface that has `ip`, that one included; empty when none has it. */
export function addressesOnLinkOf(ip: Ip, addresses: readonly InterfaceAddress[]): readonly InterfaceAddress[] {
  const own = addresses.find((entry) => sameIp(entry.ip, ip))
  return own === undefined ? [] : addresses.filter((entry) => entry.interface === own.interface)
}

function isLinkLocal({ family, bits }: Ip): boolean {
  return family === 4 ? bits >> 16n === 0xa9fen : bits >> 118n === 0x3fan
}
