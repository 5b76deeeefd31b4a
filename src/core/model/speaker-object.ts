// A Speaker and a Rack object as values. The API server has checked their form; what it lets be missing is filled in.
import { type Condition, readConditions } from './condition.ts'
import { type KubeObjectLike, listAt, objectAt } from './field.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import { noRack } from './names.ts'
import type { RackStatus, SpeakerStatus } from './speaker.ts'

export interface Speaker extends Metadata {
  readonly status: SpeakerStatus
  readonly conditions: readonly Condition[]
}

const silent: SpeakerStatus = {
  version: '',
  rack: noRack,
  state: 'Running',
  sessions: [],
  peers: 0,
  up: 0,
  prefixes: 0,
  routes: { wanted: 0, present: 0, repaired: 0 },
  exceptions: [],
  exceptionsTotal: 0,
}

export function readSpeaker(object: KubeObjectLike): Speaker {
  const status = objectAt(object, 'status')
  return {
    ...readMetadata(object),
    status: {
      ...silent,
      ...(status as Partial<SpeakerStatus>),
      sessions: listAt(status, 'sessions') as SpeakerStatus['sessions'],
      exceptions: listAt(status, 'exceptions') as SpeakerStatus['exceptions'],
    },
    conditions: readConditions(status),
  }
}

export interface Rack extends Metadata {
  /** Undefined: not written yet. */
  readonly status: RackStatus | undefined
}

export function readRack(object: KubeObjectLike): Rack {
  const status = objectAt(object, 'status')
  return { ...readMetadata(object), status: 'speakers' in status ? (status as unknown as RackStatus) : undefined }
}
