// Numbers as options have them.
import { InvalidArgumentError } from 'commander'

/** `60` or `60s`; whole seconds, at least one. */
export function readSeconds(text: string): number {
  return readWhole(text.replace(/s$/, ''), 'a number of seconds, such as 60')
}

/** At least one. */
export function readCount(text: string): number {
  return readWhole(text, 'a number, such as 100')
}

function readWhole(text: string, what: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError(`It must be ${what}.`)
  return Number(text)
}
