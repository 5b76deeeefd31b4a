// NOTIFICATION codes and their names: RFC 4271 §4.5, RFC 4486 (Cease), RFC 6608 (FSM), RFC 7313, RFC 8538, RFC 9384.

export const errorCodes = {
  messageHeader: 1,
  openMessage: 2,
  updateMessage: 3,
  holdTimerExpired: 4,
  fsm: 5,
  cease: 6,
  routeRefresh: 7,
} as const

export const ceaseSubcodes = {
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  connectionCollision: 7,
  hardReset: 9,
} as const

interface Code {
  readonly name: string
  readonly subcodes: readonly (string | undefined)[]
}

const names: readonly (Code | undefined)[] = [
  undefined,
  {
    name: 'Message Header Error',
    subcodes: [undefined, 'Connection Not Synchronized', 'Bad Message Length', 'Bad Message Type'],
  },
  {
    name: 'OPEN Message Error',
    subcodes: [
      undefined,
      'Unsupported Version Number',
      'Bad Peer AS',
      'Bad BGP Identifier',
      'Unsupported Optional Parameter',
      undefined,
      'Unacceptable Hold Time',
      'Unsupported Capability',
    ],
  },
  {
    name: 'UPDATE Message Error',
    subcodes: [
      undefined,
      'Malformed Attribute List',
      'Unrecognized Well-known Attribute',
      'Missing Well-known Attribute',
      'Attribute Flags Error',
      'Attribute Length Error',
      'Invalid ORIGIN Attribute',
      undefined,
      'Invalid NEXT_HOP Attribute',
      'Optional Attribute Error',
      'Invalid Network Field',
      'Malformed AS_PATH',
    ],
  },
  { name: 'Hold Timer Expired', subcodes: [] },
  {
    name: 'Finite State Machine Error',
    subcodes: [
      undefined,
      'Receive Unexpected Message in OpenSent State',
      'Receive Unexpected Message in OpenConfirm State',
      'Receive Unexpected Message in Established State',
    ],
  },
  {
    name: 'Cease',
    subcodes: [
      undefined,
      'Maximum Number of Prefixes Reached',
      'Administrative Shutdown',
      'Peer De-configured',
      'Administrative Reset',
      'Connection Rejected',
      'Other Configuration Change',
      'Connection Collision Resolution',
      'Out of Resources',
      'Hard Reset',
      'BFD Down',
    ],
  },
  { name: 'ROUTE-REFRESH Message Error', subcodes: [undefined, 'Invalid Message Length'] },
]

/** The registered name, or `unregistered`: a peer cannot make this more than a small set. */
export function registeredName(code: number, subcode: number): string {
  const known = names[code]
  if (known === undefined) return 'unregistered'
  if (subcode === 0) return known.name
  const name = known.subcodes[subcode]
  return name === undefined ? 'unregistered' : `${known.name}/${name}`
}

/** The registered name, `Cease/Administrative Reset`; numbers where there is none. */
export function notificationName(code: number, subcode: number): string {
  const known = names[code]
  const name = known?.name ?? `Error Code ${code}`
  if (subcode === 0) return name
  return `${name}/${known?.subcodes[subcode] ?? `Subcode ${subcode}`}`
}
