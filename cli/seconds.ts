import { InvalidArgumentError } from 'commander'

/** Of an option: `60` or `60s`; whole seconds, at least one. */
export function readSeconds(text: string): number {
  const seconds = Number(/^(\d{1,6})s?$/.exec(text)?.[1] ?? Number.NaN)
  if (!(seconds >= 1)) throw new InvalidArgumentError('It must be a number of seconds, such as 60.')
  return seconds
}
