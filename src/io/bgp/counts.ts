import type { MessageCounts } from '../../core/bgp/index.ts'
import { type Message, type MessageName, registeredName } from '../../core/bgp/wire/index.ts'

/** Messages in one direction since the peer was configured. */
export class Counts {
  #open = 0
  #update = 0
  #notification = 0
  #keepalive = 0
  #refresh = 0
  #withdrawPrefix = 0
  readonly #notifications = new Map<string, number>()

  add(message: MessageName): void {
    if (message === 'open') this.#open++
    else if (message === 'update') this.#update++
    else if (message === 'notification') this.#notification++
    else if (message === 'keepalive') this.#keepalive++
    else this.#refresh++
  }

  take(message: Message): void {
    this.add(message.type)
    if (message.type !== 'notification') return
    const name = registeredName(message.code, message.subcode)
    this.#notifications.set(name, (this.#notifications.get(name) ?? 0) + 1)
  }

  /** By registered name, see registeredName. */
  get notifications(): ReadonlyMap<string, number> {
    return this.#notifications
  }

  addWithdrawn(prefixes: number): void {
    this.#withdrawPrefix += prefixes
  }

  read(): MessageCounts {
    return {
      open: this.#open,
      update: this.#update,
      notification: this.#notification,
      keepalive: this.#keepalive,
      refresh: this.#refresh,
      withdrawPrefix: this.#withdrawPrefix,
      total: this.#open + this.#update + this.#notification + this.#keepalive + this.#refresh,
    }
  }
}
