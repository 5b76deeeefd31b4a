// `peers`: each router, who has a session with it, and why not.
import type { Command } from 'commander'
import { type PeerRow, peerRows, viewCluster } from '../src/core/explain/index.ts'
import { type Answer, type Cli, outputOption } from './cli.ts'
import { type Format, type Paint, formatTable } from './print.ts'
import { readCluster } from './read-cluster.ts'
import { areGrave, problemLines, stateCell } from './table-command.ts'
import { unreadLines } from './unread.ts'

export function addPeers(program: Command, cli: Cli): void {
  program
    .command('peers')
    .description('the routers (BgpPeers): sessions that are up and why others are not; exit status 1 if one is down')
    .addOption(outputOption())
    .allowExcessArguments(false)
    .action(({ output }: { readonly output: Format }) =>
      cli.answer(output, async ({ client }): Promise<Answer> => {
        const { systemNamespace } = cli.options()
        const parts = ['bgppeers', 'bgpconfs', 'speakers', 'leases', 'nodes'] as const
        const cluster = await readCluster(client, { systemNamespace, wallMs: cli.wallMs, parts })
        const rows = peerRows(viewCluster(cluster))
        return {
          data: { peers: rows, unread: cluster.unread },
          lines: (paint, wide) => [...peerLines(rows, paint, wide), ...unreadLines(cluster.unread, paint)],
          wrong: areGrave(rows),
        }
      }),
    )
}

export function peerLines(rows: readonly PeerRow[], paint: Paint, wide: boolean): readonly string[] {
  if (rows.length === 0) return ['There is no router: create a BgpPeer (docs/guide/first-service.md).']
  const head = ['NAME', 'NEIGHBOR', 'AS', 'UP', 'FAMILIES', 'SENT', ...(wide ? ['FLAPS'] : []), 'STATE']
  const cells = rows.map(({ name, neighbor, peerAs, up, wanted, families, sent, flaps, problems }) => [
    ...[name, neighbor, String(peerAs), `${up}/${wanted}`, families.map((family) => `IPv${family}`).join(',')],
    sent[0] === sent[1] ? String(sent[0]) : `${sent[0]}-${sent[1]}`,
    ...(wide ? [String(flaps)] : []),
    stateCell(problems, paint),
  ])
  const down = rows.flatMap((row) => row.down)
  return [
    ...formatTable(head, cells),
    ...problemLines(
      rows.flatMap(({ problems }) => problems),
      paint,
    ),
    ...(down.length === 0 ? [] : ['', ...down]),
  ]
}
