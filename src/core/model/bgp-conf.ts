// BgpConf: the speakers' own side of BGP. Only the object named `default` counts (openelb-api.md 1.6, 2.3).
import { type Ip, parseIp } from '../address/index.ts'
import { type KubeObjectLike, booleanAt, numberAt, objectAt, stringAt, stringsAt } from './field.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import { cniLabel } from './names.ts'

export interface GracefulRestart {
  readonly restartTimeMs: number
  /** RFC 8538. */
  readonly notification: boolean
}

export interface BgpConf extends Metadata {
  readonly as: number
  readonly asPerRack: ReadonlyMap<string, number>
  readonly routerId: Ip | undefined
  /** 179 unless said otherwise; -1: do not listen. */
  readonly listenPort: number
  readonly listenAddresses: readonly Ip[]
  readonly gracefulRestart: GracefulRestart | undefined
  readonly ownedByCni: boolean
  readonly status: unknown
}

export function readBgpConf(object: KubeObjectLike): BgpConf {
  const metadata = readMetadata(object)
  const { spec } = object
  const asPerRack = Object.entries(objectAt(spec, 'asPerRack')).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0,
  )
  return {
    ...metadata,
    as: numberAt(spec, 'as') ?? 0,
    asPerRack: new Map(asPerRack),
    routerId: parseIp(stringAt(spec, 'routerId') ?? ''),
    listenPort: numberAt(spec, 'listenPort') || 179,
    listenAddresses: stringsAt(spec, 'listenAddresses')
      .map(parseIp)
      .filter((ip) => ip !== undefined),
    gracefulRestart: readGracefulRestart(objectAt(spec, 'gracefulRestart')),
    ownedByCni: cniLabel.some((label) => label in metadata.labels),
    status: object.status,
  }
}

/** Restart time 30 s unless given: longer is a longer black hole when a node dies (design §6). RFC 4724 §3: 12 bits. */
export function readGracefulRestart(value: unknown): GracefulRestart | undefined {
  if (booleanAt(value, 'enabled') !== true || booleanAt(value, 'helperOnly') === true) return undefined
  const seconds = Math.min(numberAt(value, 'restartTime') || 30, 4095)
  return { restartTimeMs: seconds * 1000, notification: booleanAt(value, 'notificationEnabled') ?? false }
}
