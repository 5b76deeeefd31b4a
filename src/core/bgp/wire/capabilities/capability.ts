// A capability of the OPEN (RFC 5492 §4) as a value, and what each file of this folder exports.
import type { AfiSafi } from '../family.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AddPathFamily extends AfiSafi {
  readonly send: boolean
  readonly receive: boolean
}

export interface GracefulRestartFamily extends AfiSafi {
  /** The F bit: traffic kept flowing over the restart. */
  readonly forwardingPreserved: boolean
}

export interface NextHopEncoding extends AfiSafi {
  readonly nextHopAfi: number
}

export type Capability =
  | ({ readonly name: 'multiprotocol' } & AfiSafi)
  | { readonly name: 'routeRefresh' }
  | { readonly name: 'enhancedRouteRefresh' }
  | { readonly name: 'extendedMessage' }
  | { readonly name: 'fourOctetAs'; readonly as: number }
  | { readonly name: 'addPath'; readonly families: readonly AddPathFamily[] }
  | { readonly name: 'extendedNextHop'; readonly encodings: readonly NextHopEncoding[] }
  | {
      readonly name: 'gracefulRestart'
      /** The R bit: the speaker has restarted. */
      readonly restarted: boolean
      /** The N bit, RFC 8538. */
      readonly notification: boolean
      /** 0 to 4095. */
      readonly restartTimeSeconds: number
      readonly families: readonly GracefulRestartFamily[]
    }
  /** Of no meaning to us, or of a form that its RFC does not know: kept, never refused (RFC 5492 §3). */
  | { readonly name: 'other'; readonly code: number; readonly value: Uint8Array }

export type CapabilityOf<N extends Capability['name']> = Extract<Capability, { readonly name: N }>

export interface CapabilityCodec<N extends Capability['name']> {
  readonly code: number
  /** Reads a value; undefined when it has not the form that the RFC gives. */
  read(value: Reader): CapabilityOf<N> | undefined
  write(writer: Writer, capability: CapabilityOf<N>): void
}
