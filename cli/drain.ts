// `drain NODE` and `undrain NODE`: the annotation bellhop.dev/drain, with what it will do said first and what it did seen.
//
//   1. simulate: which routers lose which next hops. Where an address would lose its last way, nothing is done without
//      --force, or a yes at a terminal
//   2. the annotation is written
//   3. wait: the node's speaker says Drained when it has withdrawn everything. A node without a living speaker cannot say
//      anything: there it is the racks, by which the others announce it or not
import type { Command } from 'commander'
import { createInterface } from 'node:readline/promises'
import type { ClusterView } from '../src/core/explain/index.ts'
import { drainAnnotation, drainedForAnnotation, readNode, readRack, readSpeaker } from '../src/core/model/index.ts'
import { type WayChanges, compareViews, dependentsOf, withDrain } from '../src/core/simulate/index.ts'
import type { KubeClient } from '../src/io/kube/interface.ts'
import { nodes, racks, speakers } from '../src/io/kube/resources.ts'
import { type Clock, systemClock } from '../src/io/process/clock.ts'
import { type Cli, exitStatus } from './cli.ts'
import { cannotAsk } from './connect.ts'
import { changeLines, dependentLines } from './simulate-lines.ts'
import { partsOfWays, readView } from './simulate-view.ts'
import { readSeconds } from './numbers.ts'
import { type Look, waitUntil } from './wait.ts'

export interface DrainOptions {
  readonly dryRun: boolean
  readonly force: boolean
  readonly wait: boolean
  /** Seconds. */
  readonly timeout: number
}

export function addDrain(program: Command, cli: Cli): void {
  for (const drain of [true, false]) {
    const name = drain ? 'drain' : 'undrain'
    const description = drain
      ? 'take a node out of traffic: routers are told to turn away from it, then its routes are withdrawn'
      : 'put a node back into traffic'
    const command = program
      .command(`${name} <node>`)
      .description(description)
      .option('--dry-run', 'say what would change, and change nothing', false)
      .option('--no-wait', 'do not wait until it is done')
      .option('--timeout <seconds>', 'how long to wait', readSeconds, 60)
      .allowExcessArguments(false)
    if (drain) command.option('--force', 'also when addresses lose their last way', false)
    command.action((node: string, options: Omit<DrainOptions, 'force'> & { readonly force?: boolean }) =>
      cli.run(async (connection) => {
        const view = await readView(cli, connection, partsOfWays)
        const { client } = connection
        const context = { cli, client, view, clock: systemClock, confirm: confirmAtTerminal(cli) }
        return setDrain(context, node, drain, { ...options, force: options.force ?? false })
      }),
    )
  }
}

export interface DrainContext {
  readonly cli: Pick<Cli, 'out' | 'err' | 'paint'>
  readonly client: KubeClient
  readonly view: ClusterView
  readonly clock: Clock
  /** Undefined: nobody is there to be asked. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined
}

/** Resolves with the exit status. */
export async function setDrain(
  context: DrainContext,
  node: string,
  drain: boolean,
  { dryRun, force, wait, timeout }: DrainOptions,
): Promise<number> {
  const { cli, client, view, confirm } = context
  const say = (line: string): void => void cli.out.write(`${line}\n`)
  const refuse = (line: string): number => {
    cli.err.write(`${cli.paint().bad(line)}\n`)
    return exitStatus.wrong
  }
  const found = view.nodes.get(node)
  const changed = withDrain(view, node, drain)
  if (found === undefined || changed === undefined) return refuse(`There is no node ${node}.`)
  if (found.drain === drain)
    say(`Node ${node} is ${drain ? 'annotated for drain' : 'not annotated for drain'} already.`)
  else {
    const changes = compareViews(view, changed)
    for (const line of changeLines(`The ${drain ? 'drain' : 'return'} of node ${node}`, changes, cli.paint(), false)) {
      say(line)
    }
    if (drain) for (const line of dependentLines(node, dependentsOf(changes.ways, node), cli.paint())) say(line)
    say('')
    if (dryRun) say('Nothing was changed (--dry-run).')
    const agreed = dryRun || !drain || force || changes.lost.length === 0 || (await isAgreed(changes, confirm))
    if (!agreed) return refuse('Nothing was changed. With --force it is done all the same.')
  }
  if (dryRun) return exitStatus.well
  if (found.drain !== drain) {
    // Also what an uninstall that was broken off has left: from now on the node is not its business.
    const annotations = drain
      ? { [drainAnnotation]: 'true' }
      : { [drainAnnotation]: null, [drainedForAnnotation]: null }
    const metadata = { annotations }
    const written = await client.patch({ resource: nodes, name: node }, { type: 'merge', body: { metadata } })
    if (!written.ok) {
      if (written.error.code === 'Unreachable') throw cannotAsk(written.error)
      return refuse(`Node ${node} was not annotated: ${written.error.message}`)
    }
    say(`Node ${node} is ${drain ? 'annotated for drain' : 'no longer annotated for drain'}.`)
  }
  if (!wait) return exitStatus.well
  return awaitDrain(context, node, drain, timeout * 1000)
}

async function isAgreed({ lost }: WayChanges, confirm: DrainContext['confirm']): Promise<boolean> {
  if (confirm === undefined) return false
  const what = `${lost.length} ${lost.length === 1 ? 'address loses its' : 'addresses lose their'} last way.`
  return confirm(`${what} Go on? [y/N] `)
}

async function awaitDrain(context: DrainContext, node: string, drain: boolean, limitMs: number): Promise<number> {
  const { cli, view, clock } = context
  const say = (line: string): void => void cli.out.write(`${line}\n`)
  const speaker = view.speakers.get(node)
  const speaks = speaker?.alive === true
  if (!speaks) {
    const what = speaker === undefined ? 'has no speaker of its own' : 'has a speaker that is silent'
    say(`Node ${node} ${what}: others announce it, or nobody does.`)
  }
  const look = speaks ? () => lookAtSpeaker(context, node, drain) : () => lookAtRacks(context, node, drain)
  if (await waitUntil(look, (seen) => say(`  ${seen}`), { clock, limitMs })) {
    const done = drain ? 'is out of traffic' : 'is in traffic again'
    say(cli.paint().good(`Node ${node} ${done}${speaks ? '' : ' as far as the racks say'}.`))
    return exitStatus.well
  }
  const sentence = `Node ${node} was not seen ${drain ? 'drained' : 'back'} within ${limitMs / 1000} s; see "kubectl bellhop status".`
  cli.err.write(`${cli.paint().bad(sentence)}\n`)
  return exitStatus.wrong
}

async function lookAtSpeaker({ client }: DrainContext, node: string, drain: boolean): Promise<Look> {
  const answer = await client.get({ resource: speakers, name: node })
  if (!answer.ok) return { done: false, seen: `its Speaker object cannot be read: ${answer.error.message}` }
  const { state } = readSpeaker(answer.value).status
  const done = state === (drain ? 'Drained' : 'Running')
  return done ? { done } : { done, seen: `its speaker says ${state}` }
}

// Both: the annotation is what decides, and the racks say that it was heard.
async function lookAtRacks({ client }: DrainContext, node: string, drain: boolean): Promise<Look> {
  const [own, all] = [await client.get({ resource: nodes, name: node }), await client.list(racks)]
  if (!own.ok || !all.ok) return { done: false, seen: 'node and racks cannot be read' }
  if (readNode(own.value).drain !== drain) return { done: false, seen: 'the annotation is not there yet' }
  const entries = all.value.items.flatMap((rack) => readRack(rack).status?.proxied ?? [])
  const listed = entries.filter((entry) => entry.node === node)
  if (listed.length === 0) return { done: false, seen: 'no Rack object names it yet' }
  const done = listed.every(({ reason }) => (reason === 'NodeDrained') === drain)
  return done ? { done } : { done, seen: 'its Rack object does not say so yet' }
}

function confirmAtTerminal({ err }: Cli): DrainContext['confirm'] {
  if (!process.stdin.isTTY || err.isTTY !== true) return undefined
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: err })
    const answer = await terminal.question(question)
    terminal.close()
    return /^y(es)?$/i.test(answer.trim())
  }
}
