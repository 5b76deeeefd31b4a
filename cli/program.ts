// The command line: global options, every command, and what its end means as an exit status.
import { Command, CommanderError, Option } from 'commander'

import packageJson from '../package.json' with { type: 'json' }
import { systemNamespace } from '../src/core/model/names.ts'
import { type CliOptions, exitStatus, openCli } from './cli.ts'
import { addCompletion, complete } from './completion.ts'
import { addDrain } from './drain.ts'
import { addExplain } from './explain.ts'
import { addPeers } from './peers.ts'
import { addPools } from './pools.ts'
import { addRacks } from './racks.ts'
import { addServices } from './services.ts'
import { addSimulate } from './simulate.ts'
import { addSupportBundle } from './support-bundle.ts'
import { addStatus } from './status.ts'
import { addUninstall } from './uninstall.ts'
import { addVersion } from './version.ts'

const exitStatusHelp = `
Exit status: 0 all is well, 1 something is wrong, 2 the command was not understood, 3 the cluster cannot be asked.`

export type ProgramIo = Omit<CliOptions, 'program'>

/** `args`: without the program's own name. Resolves when all is said; the exit status is set through `io`. */
export async function runProgram(args: readonly string[], io: ProgramIo): Promise<void> {
  const program = new Command('kubectl bellhop')
    .description(
      'LoadBalancer Services for bare metal: is all well, who has which address, why does this one not work?',
    )
    .option('--kubeconfig <file>', 'how to reach the cluster (default: $KUBECONFIG, ~/.kube/config, or the Pod itself)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'namespace of Services (default: that of the context)')
    .addOption(
      new Option('--system-namespace <name>', "namespace of Bellhop's own programs")
        .default(systemNamespace)
        .hideHelp(),
    )
    .option('--no-color', 'no colour on a terminal either')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', exitStatusHelp)
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out.write(text), writeErr: (text) => io.err.write(text) })

  const cli = openCli({ program, ...io })
  addStatus(program, cli)
  addExplain(program, cli)
  addServices(program, cli)
  addPools(program, cli)
  addPeers(program, cli)
  addRacks(program, cli)
  addSimulate(program, cli)
  addDrain(program, cli)
  addSupportBundle(program, cli, packageJson.version)
  addUninstall(program, cli)
  addVersion(program, cli, packageJson.version)
  addCompletion(program, cli)

  const [word, ...words] = args
  try {
    if (word === '__complete') await complete(program, cli, words)
    else await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    io.setExit(error.exitCode === 0 ? exitStatus.well : exitStatus.usage)
  }
}
