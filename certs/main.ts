import { type Command, Option } from 'commander'
import { type CertificatesAbout } from '../src/io/certificates/index.ts'
import { type KubeClient, openClient, readCredentials } from '../src/io/kube/index.ts'
import { systemClock } from '../src/io/process/clock.ts'
import { type CommonOptions, openCommand, readName } from '../src/io/process/config.ts'
import { silentLog } from '../src/io/telemetry/log.ts'
import { type Report, issueCertificates, rotateCertificates } from './commands.ts'
import { formatStatus, readStatus } from './status.ts'

interface Options extends CommonOptions {
  readonly service: string
  readonly secret: string
  readonly configuration: string
}

const command = openCommand({ name: 'certs', description: "The webhook's certificates: look at, make, replace." })
  .option('--service <name>', 'Service of the webhook', readName, 'bellhop-webhook')
  .option('--secret <name>', 'Secret that holds the certificates', readName, 'bellhop-webhook-tls')
  .option('--configuration <name>', 'name of both webhook configurations', readName, 'bellhop')
  .configureHelp({ showGlobalOptions: true })

const wallMs = (): number => systemClock.wallMs()
const dryRun = ['--dry-run', 'say what would be done, and do nothing', false] as const

subcommand(
  'status',
  'What is served, until when, and whether the API server trusts it; exit status 1 if all is not well.',
)
  .addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'))
  .action(({ output }: { readonly output: 'table' | 'json' }) =>
    run(async (client, about) => {
      const status = await readStatus(client, about, wallMs())
      const lines = output === 'json' ? [JSON.stringify(status, undefined, 2)] : formatStatus(status, wallMs())
      return { lines, ok: status.ok }
    }, process.stdout),
  )
subcommand('issue', 'Make what is missing, damaged or due, as a starting webhook would, and put the caBundles right.')
  .option('--force', 'a new serving certificate in any case', false)
  .option(...dryRun)
  .action((options: { readonly force: boolean; readonly dryRun: boolean }) =>
    run((client, about) => issueCertificates(client, about, { wallMs, ...options })),
  )
subcommand(
  'rotate',
  'Replace the authority: the new one is trusted beside the old one, until nothing needs the old one.',
)
  .option(...dryRun)
  .action((options: { readonly dryRun: boolean }) =>
    run((client, about) => rotateCertificates(client, about, { wallMs, ...options })),
  )
await command.parseAsync()

function subcommand(name: string, description: string): Command {
  return command.command(name).description(description).allowExcessArguments(false)
}

/** `whenNot`: where the lines go when all is not well. */
async function run(
  work: (client: KubeClient, about: CertificatesAbout) => Promise<Report>,
  whenNot: NodeJS.WritableStream = process.stderr,
): Promise<void> {
  const { namespace, service, secret, configuration, kubeconfig } = command.opts<Options>()
  try {
    const credentials = await readCredentials({ kubeconfig })
    const client = openClient(credentials, { log: silentLog, clock: systemClock, userAgent: 'bellhop-certs' })
    const about = { service: { namespace, name: service }, secretName: secret, configurationName: configuration }
    const { lines, ok } = await work(client, about)
    client.close()
    const out = ok ? process.stdout : whenNot
    out.write(`${lines.join('\n')}\n`)
    process.exitCode = ok ? 0 : 1
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
