// `services`: the Services that are for Bellhop, and why one of them has no address or no route.
import type { Command } from 'commander'
import { type ServiceRow, serviceRows, viewCluster } from '../src/core/explain/index.ts'
import { type Answer, type Cli, outputOption } from './cli.ts'
import { type Format, type Paint, formatTable } from './print.ts'
import { readCluster } from './read-cluster.ts'
import { unreadLines } from './unread.ts'

interface Options {
  readonly output: Format
  readonly allNamespaces: boolean
  readonly wrong: boolean
}

export function addServices(program: Command, cli: Cli): void {
  program
    .command('services')
    .alias('svc')
    .description('the Services that are for Bellhop: address, pool, route; exit status 1 if one lacks something')
    .addOption(outputOption())
    .option('-A, --all-namespaces', 'of every namespace', false)
    .option('--wrong', 'only those that lack something', false)
    .allowExcessArguments(false)
    .action(({ output, allNamespaces, wrong }: Options) =>
      cli.answer(output, async ({ client, namespace }): Promise<Answer> => {
        const { systemNamespace } = cli.options()
        const parts = ['services', 'eips', 'eipallocations', 'namespaces', 'bgppeers', 'nodes'] as const
        const cluster = await readCluster(client, { systemNamespace, wallMs: cli.wallMs, parts })
        const all = serviceRows(viewCluster(cluster)).filter((row) => allNamespaces || row.namespace === namespace)
        const lacking = all.filter(({ state }) => state === 'waits' || state === 'noRoute')
        const rows = wrong ? lacking : all
        const where = allNamespaces ? 'the cluster' : `namespace ${namespace}; -A shows all namespaces`
        const none = wrong && all.length > 0 ? 'None lacks anything.' : `There is no Service for Bellhop in ${where}.`
        return {
          data: { services: rows, unread: cluster.unread },
          lines: (paint, wide) => [
            ...(rows.length === 0 ? [none] : serviceLines(rows, paint, wide, allNamespaces)),
            ...unreadLines(cluster.unread, paint),
          ],
          wrong: lacking.length > 0,
        }
      }),
    )
}

const states = { ok: 'ok', waits: 'no address', noRoute: 'no route', unknown: 'not judged yet' } as const

export function serviceLines(
  rows: readonly ServiceRow[],
  paint: Paint,
  wide: boolean,
  withNamespace: boolean,
): readonly string[] {
  const head = [...(withNamespace ? ['NAMESPACE'] : []), 'NAME', 'ADDRESS', 'POOL', 'STATE', 'REASON']
  const colour = { ok: paint.good, waits: paint.bad, noRoute: paint.bad, unknown: paint.dim }
  const cells = rows.map(({ namespace, name, addresses, pools, state, reason, message }) => [
    ...(withNamespace ? [namespace] : []),
    ...[name, addresses.join(','), pools.join(','), colour[state](states[state]), reason],
    ...(wide ? [message] : []),
  ])
  return formatTable(wide ? [...head, 'MESSAGE'] : head, cells)
}
