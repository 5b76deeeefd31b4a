import { type CertificatesAbout } from '../src/io/certificates/index.ts'
import { type KubeClient, openClient, readCredentials } from '../src/io/kube/index.ts'
import { systemClock } from '../src/io/process/clock.ts'
import { type CommonOptions, openCommand, readName } from '../src/io/process/config.ts'
import { silentLog } from '../src/io/telemetry/log.ts'
import { type Report, issueCertificates, reportStatus, rotateCertificates } from './commands.ts'

interface Options extends CommonOptions {
  readonly service: string
  readonly secret: string
  readonly configuration: string
}

const command = openCommand({ name: 'certs', description: "The webhook's certificates: look at, make, replace." })
  .option('--service <name>', 'Service of the webhook', readName, 'bellhop-webhook')
  .option('--secret <name>', 'Secret that holds the certificates', readName, 'bellhop-webhook-tls')
  .option('--configuration <name>', 'name of both webhook configurations', readName, 'bellhop')

const wallMs = (): number => systemClock.wallMs()

command
  .command('status')
  .description('what is served, until when, and whether the API server trusts it')
  .action(() => run((client, about) => reportStatus(client, about, wallMs())))
command
  .command('issue')
  .description('make what is missing or due')
  .action(() => run((client, about) => issueCertificates(client, about, wallMs, silentLog)))
command
  .command('rotate')
  .description('a new serving certificate now')
  .option('--authority', 'a new authority, trusted now, in use five minutes later')
  .action(({ authority }: { readonly authority?: boolean }) =>
    run((client, about) =>
      rotateCertificates(client, about, authority === true ? 'authority' : 'leaf', wallMs, silentLog),
    ),
  )
await command.parseAsync()

async function run(work: (client: KubeClient, about: CertificatesAbout) => Promise<Report>): Promise<void> {
  const { namespace, service, secret, configuration, kubeconfig } = command.opts<Options>()
  try {
    const credentials = await readCredentials({ kubeconfig })
    const client = openClient(credentials, { log: silentLog, clock: systemClock, userAgent: 'bellhop-certs' })
    const about = { service: { namespace, name: service }, secretName: secret, configurationName: configuration }
    const { lines, ok } = await work(client, about)
    client.close()
    const out = ok ? process.stdout : process.stderr
    out.write(`${lines.join('\n')}\n`)
    process.exitCode = ok ? 0 : 1
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
