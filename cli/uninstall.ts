// `uninstall`: Bellhop out of the cluster, in the order in which nothing is left behind. Says what it would do; does it
// with --yes.
import type { Command } from 'commander'
import { systemClock } from '../src/io/process/clock.ts'
import { type Cli, exitStatus } from './cli.ts'
import type { Connection } from './connect.ts'
import type { Paint } from './print.ts'
import { readSeconds } from './numbers.ts'
import { readInventory } from './uninstall-inventory.ts'
import { type UninstallOptions, type UninstallPlan, planUninstall } from './uninstall-plan.ts'
import { carryOut } from './uninstall-steps.ts'

interface Options extends UninstallOptions {
  readonly yes: boolean
  readonly dryRun: boolean
  /** Seconds. */
  readonly timeout: number
}

export function addUninstall(program: Command, cli: Cli): void {
  program
    .command('uninstall')
    .description('take Bellhop out of the cluster, in the right order; without --yes it only says what it would do')
    .option('--yes', 'do it', false)
    .option('--dry-run', 'only say it, also with --yes', false)
    .option('--keep-crds', 'keep the definitions, with all pools, peers, passwords and records of addresses', false)
    .option('--clear-services', 'take the addresses out of the Services as well', false)
    .option('--timeout <seconds>', 'how long to wait for each thing that has to end', readSeconds, 120)
    .allowExcessArguments(false)
    .action((options: Options) => cli.run((connection) => uninstall(cli, connection, options)))
}

/** Resolves with the exit status. */
export async function uninstall(
  cli: Pick<Cli, 'options' | 'out' | 'err' | 'paint'>,
  { client, server }: Pick<Connection, 'client' | 'server'>,
  options: Options,
): Promise<number> {
  const system = cli.options().systemNamespace
  const paint = cli.paint()
  const say = (line: string): void => void cli.out.write(`${line}\n`)
  const plan = planUninstall(await readInventory(client, system), options)
  for (const line of planLines(plan, server, paint)) say(line)
  if (plan.steps.length === 0) return exitStatus.well
  say('')
  if (!options.yes || options.dryRun) {
    say('Nothing was done. With --yes it is.')
    return exitStatus.well
  }
  const warnings: string[] = []
  const warn = (line: string): void => {
    warnings.push(line)
    cli.err.write(`${paint.warn(line)}\n`)
  }
  const context = { client, system, clock: systemClock, limitMs: options.timeout * 1000, say, warn }
  for (const [at, { step, what }] of plan.steps.entries()) {
    say(`${at + 1}. ${what.split(':', 1)[0]}`)
    await carryOut(step, context)
  }
  const left = planUninstall(await readInventory(client, system), options).steps
  if (left.length === 0 && warnings.length === 0) {
    say(
      paint.good(
        options.keepCrds ? 'Bellhop is gone; its definitions and their objects are kept.' : 'Bellhop is gone.',
      ),
    )
    return exitStatus.well
  }
  for (const { what } of left) cli.err.write(`${paint.bad(`Left: ${what}`)}\n`)
  cli.err.write('Something is left. The same command again takes up where this one ended.\n')
  return exitStatus.wrong
}

export function planLines({ steps, notes }: UninstallPlan, server: string, paint: Paint): readonly string[] {
  if (steps.length === 0) return [`There is no Bellhop in the cluster at ${server}.`]
  return [
    paint.bold(`Out of the cluster at ${server}, in this order:`),
    ...steps.map(({ what }, at) => `${String(at + 1).padStart(2)}. ${what}`),
    ...(notes.length === 0 ? [] : ['']),
    ...notes,
  ]
}
