// A speaker that says word by word what it was told to, to see what a router makes of it: messages that our engine never
// sends. Told by one line of JSON on standard input; prints nothing; ends when the router has said nothing for a while.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

import { encodeKeepalive, messageTypes } from '../../src/core/bgp/wire/index.ts'
import { onFrames } from '../fixtures/bgp/played-peer.ts'

export interface Script {
  readonly remote: string
  /** First message, hexadecimal as all of them. */
  readonly open: string
  /** One after the other once the session is up, the last when the router has had time to say its own; KEEPALIVEs by themselves. */
  readonly messages: readonly string[]
  /** No KEEPALIVE after the first: the router's hold timer expires. */
  readonly isSilent?: boolean
  readonly quietMs: number
}

// FRR takes seconds until it sends its first routes.
const pauseMs = 6000

const script = JSON.parse(await text(process.stdin)) as Script
const socket = connect({ host: script.remote, port: 179 }, () => socket.write(Buffer.from(script.open, 'hex')))
let isUp = false
let last: NodeJS.Timeout | undefined

onFrames(socket, (frame) => {
  if (frame.type === messageTypes.open) socket.write(encodeKeepalive())
  if (frame.type === messageTypes.keepalive && !isUp) {
    isUp = true
    script.messages.forEach((message, i) => {
      const isLast = i === script.messages.length - 1
      setTimeout(() => socket.write(Buffer.from(message, 'hex')), 150 * i + (isLast ? pauseMs : 150))
    })
    if (script.isSilent !== true) setInterval(() => socket.write(encodeKeepalive()), 1000)
  }
  // A KEEPALIVE is no answer to anything.
  if (frame.type !== messageTypes.keepalive) wait()
})
socket.on('error', (error: NodeJS.ErrnoException) => {
  // A router that has said what it thinks of us may well reset the connection.
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
socket.on('close', () => process.exit(0))
wait()

function wait(): void {
  clearTimeout(last)
  last = setTimeout(() => process.exit(0), script.quietMs + pauseMs + 150 * script.messages.length)
}
