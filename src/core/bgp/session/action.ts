// What the machine asks of whoever runs it. Actions are performed in order.
import type { Millis } from '../model.ts'
import type { Message, RouteRefresh, Update } from '../wire/index.ts'
import type { Negotiated } from './negotiate.ts'

export type TimerName = 'connectRetry' | 'hold' | 'keepalive' | 'idleHold'

export type Action =
  /** Dial. Answered by Tcp_CR_Acked or TcpConnectionFails. */
  | { readonly do: 'connect' }
  /** Never an UPDATE: those come from the Adj-RIB-Out. */
  | { readonly do: 'send'; readonly message: Message }
  /** Give the connection (or the dialling) up, once what was sent is written. No event is to follow from it. */
  | { readonly do: 'close' }
  /** Call back at `at` on the clock of `now`; replaces what was armed under that name. */
  | { readonly do: 'armTimer'; readonly timer: TimerName; readonly at: Millis }
  | { readonly do: 'disarmTimer'; readonly timer: TimerName }
  /** ESTABLISHED entered. */
  | { readonly do: 'up'; readonly negotiated: Negotiated }
  /** ESTABLISHED left, or an attempt failed. */
  | { readonly do: 'down'; readonly reason: string }
  /** An UPDATE came. */
  | { readonly do: 'deliver'; readonly update: Update }
  /** The peer wants a family again (RFC 2918). */
  | { readonly do: 'refresh'; readonly refresh: RouteRefresh }
