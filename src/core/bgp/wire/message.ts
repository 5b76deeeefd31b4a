// One frame ↔ one message.
import type { UpdateContext } from './attributes/index.ts'
import { type WireError, headerError } from './error.ts'
import { type Frame, messageTypes } from './framing.ts'
import { type Keepalive, encodeKeepalive, keepalive } from './keepalive.ts'
import { type Notification, decodeNotification, encodeNotification } from './notification.ts'
import { type Open, decodeOpen, encodeOpen } from './open.ts'
import { type RouteRefresh, decodeRouteRefresh, encodeRouteRefresh } from './route-refresh.ts'
import { type Update, decodeUpdate, encodeUpdate } from './update.ts'

export type Message = Open | Update | Notification | Keepalive | RouteRefresh

export type MessageName = Message['type']

export function decodeMessage({ type, body }: Frame, context: UpdateContext): Message | WireError {
  switch (type) {
    case messageTypes.open:
      return decodeOpen(body)
    case messageTypes.update:
      return decodeUpdate(body, context)
    case messageTypes.notification:
      return decodeNotification(body)
    case messageTypes.keepalive:
      return keepalive
    case messageTypes.routeRefresh:
      return decodeRouteRefresh(body)
    default:
      return headerError(3, `message type ${type}`, Uint8Array.of(type))
  }
}

/** `context` matters to an UPDATE only. */
export function encodeMessage(message: Message, context: UpdateContext): Uint8Array {
  if (message.type === 'open') return encodeOpen(message)
  if (message.type === 'update') return encodeUpdate(message, context)
  if (message.type === 'notification') return encodeNotification(message)
  if (message.type === 'routeRefresh') return encodeRouteRefresh(message)
  return encodeKeepalive()
}
