// `simulate …`: what would change if … Reads the cluster, decides as its programs would, and writes nothing.
import type { Command } from 'commander'
import type { ClusterView } from '../src/core/explain/index.ts'
import { compareViews, dependentsOf, withDrain, withoutNode, withoutPeer } from '../src/core/simulate/index.ts'
import { type Answer, type Cli, outputOption } from './cli.ts'
import type { Format } from './print.ts'
import { changeData, changeLines, dependentLines } from './simulate-lines.ts'
import { addSimulatePool, addSimulateService } from './simulate-pool.ts'
import { partsOfWays, readView } from './simulate-view.ts'

export function addSimulate(program: Command, cli: Cli): void {
  const simulate = program
    .command('simulate')
    .description('what would change: decided as the programs would decide it; nothing is written')
  const simulation = (name: string, description: string): Command =>
    simulate.command(name).description(description).addOption(outputOption()).allowExcessArguments(false)

  simulation('drain <node>', 'a node taken out of traffic; exit status 1 if an address would lose its last way').action(
    (node: string, { output }: { readonly output: Format }) =>
      answerChange(cli, output, {
        what: `The drain of node ${node}`,
        change: (view) => withDrain(view, node, true),
        missing: `There is no node ${node}.`,
        drained: node,
      }),
  )
  simulation('lose-node <node>', 'a node without power; exit status 1 if an address would lose its last way').action(
    (node: string, { output }: { readonly output: Format }) =>
      answerChange(cli, output, {
        what: `The loss of node ${node}`,
        change: (view) => withoutNode(view, node),
        missing: `There is no node ${node}.`,
      }),
  )
  simulation('lose-peer <peer>', 'a router (BgpPeer) gone; exit status 1 if an address would lose its last way')
    .option('--node <name>', 'only the session of that node')
    .action((peer: string, { output, node }: { readonly output: Format; readonly node?: string }) => {
      const of = node === undefined ? '' : ` at node ${node}`
      return answerChange(cli, output, {
        what: `The loss of router ${peer}${of}`,
        change: (view) => withoutPeer(view, peer, node),
        missing: `No speaker has a session with a BgpPeer ${peer}${of}.`,
      })
    })
  addSimulatePool(simulation, cli)
  addSimulateService(simulation, cli)
}

interface ChangeQuestion {
  readonly what: string
  readonly change: (view: ClusterView) => ClusterView | undefined
  /** Said when there is nothing to change. */
  readonly missing: string
  /** The node whose speaker goes on announcing others. */
  readonly drained?: string
}

function answerChange(cli: Cli, output: Format, { what, change, missing, drained }: ChangeQuestion): Promise<void> {
  return cli.answer(output, async (connection): Promise<Answer> => {
    const before = await readView(cli, connection, partsOfWays)
    const after = change(before)
    if (after === undefined) return { data: { error: missing }, lines: (paint) => [paint.bad(missing)], wrong: true }
    const changes = compareViews(before, after)
    const dependents = drained === undefined ? [] : dependentsOf(changes.ways, drained)
    return {
      data: { simulated: what, ...(changeData(changes) as object), ...(drained === undefined ? {} : { dependents }) },
      lines: (paint, wide) => [
        ...changeLines(what, changes, paint, wide),
        ...dependentLines(drained ?? '', dependents, paint),
      ],
      wrong: changes.lost.length > 0,
    }
  })
}
