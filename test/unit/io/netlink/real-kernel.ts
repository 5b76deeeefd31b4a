// The kernel of the network namespace that this process runs in, for the lives of test/property/routes.
import { execFileSync } from 'node:child_process'

import { formatIp } from '../../../../src/core/address/index.ts'
import { type HostRule, preferenceOf } from '../../../../src/core/routes/index.ts'
import { openNetlink } from '../../../../src/io/net/netlink.ts'
import type { ForeignRoute, ForeignRule, Kernel } from '../../../property/routes/kernel.ts'

interface RouteJson {
  readonly dst: string
  readonly table?: string
  readonly protocol?: string
  readonly [field: string]: unknown
}

interface RuleJson {
  readonly priority: number
  readonly protocol?: string
  readonly ipproto?: string
  readonly [field: string]: unknown
}

const ours = '196'
const foreign = '4'

export interface RealKernel extends Kernel {
  /** Nothing of a life is left, of whoever it was. */
  clear(): void
}

export function realKernel(): RealKernel {
  return {
    clear: () => {
      for (const family of [4, 6]) {
        for (const table of [196, 77]) ip(`-${family} route flush table ${table}`)
        for (const protocol of [ours, foreign]) {
          ip(`-${family} route flush table 255 proto ${protocol}`)
          ip(`-${family} rule flush protocol ${protocol}`)
        }
      }
    },
    netlink: openNetlink(),
    addForeign: (route) => ip(`route add ${wordsOf(route)}`),
    removeForeign: (route) => void ip(`route del ${wordsOf(route)}`),
    addForeignRule: (rule) => void ip(`-${rule.family} rule add ${wordsOfRule(rule)}`),
    removeForeignRule: (rule) => void ip(`-${rule.family} rule del ${wordsOfRule(rule)}`),
    removeOurRoute: ({ address, table }) =>
      ip(`route del ${typeOf(address.family, table)} ${formatIp(address)} table ${table} proto ${ours}`),
    removeOurRule: (rule) => ip(`-${rule.family} rule del ${wordsOfOurs(rule)}`),
    addStray: ({ address, table }) => {
      const type = typeOf(address.family, table)
      ip(`route add ${type} ${formatIp(address)} ${type === 'local' ? 'dev lo ' : ''}table ${table} proto ${ours}`)
    },
    snapshot: () => {
      const routes = ([4, 6] as const).flatMap(
        (family) => list(`-${family} route show table all`) as readonly RouteJson[],
      )
      const rules = ([4, 6] as const).flatMap((family) =>
        (list(`-${family} rule show`) as readonly RuleJson[]).map((rule) => ({ family, ...rule })),
      )
      // A route with our number in a table of others is none of ours.
      const isOurs = ({ protocol, ...each }: RouteJson | RuleJson): boolean =>
        protocol === ours && (!('dst' in each) || each.table === '196' || each.table === '255')
      return {
        ours: [
          ...routes.filter(isOurs).map(({ dst, table }) => `${dst} ${table ?? '254'}`),
          ...rules.filter(isOurs).map(({ family, priority, ipproto }) => `${family} ${roleOf(priority, ipproto)}`),
        ].toSorted(),
        foreign: [...routes, ...rules]
          .filter((each) => !isOurs(each))
          .map((each) => JSON.stringify(each))
          .toSorted(),
      }
    },
  }
}

/** Whether it was done. */
function ip(args: string): boolean {
  try {
    execFileSync('ip', args.split(' '), { stdio: 'ignore', timeout: 10_000 })
    return true
  } catch {
    return false
  }
}

function list(args: string): unknown {
  const text = execFileSync('ip', ['-j', '-N', ...args.split(' ')], { encoding: 'utf8', timeout: 10_000 })
  return JSON.parse(text === '' ? '[]' : text)
}

function wordsOf({ address, table, metric }: ForeignRoute): string {
  // The metric that each family gives to one that names none.
  const own = metric === 0 ? '' : ` metric ${metric}`
  return `unreachable ${formatIp(address)} table ${table} proto ${foreign}${own}`
}

function wordsOfRule({ table }: ForeignRule): string {
  return `pref ${preferenceOf({ role: 'protocol' })} ipproto tcp lookup ${table} proto ${foreign}`
}

function wordsOfOurs(rule: HostRule): string {
  const head = `pref ${preferenceOf(rule)} proto ${ours}`
  return rule.role === 'protocol' ? `${head} ipproto ${rule.ipProtocol} lookup 196` : head
}

function typeOf(family: 4 | 6, table: number): 'local' | 'blackhole' {
  return family === 6 && table === 196 ? 'blackhole' : 'local'
}

function roleOf(priority: number, ipproto: string | undefined): string {
  if (priority === preferenceOf({ role: 'passOwn' })) return 'passOwn'
  if (priority === preferenceOf({ role: 'end' })) return 'end'
  return (ipproto ?? '').replace(/^ipproto-/, '')
}
