// `explain service NAME` and `explain address IP`: why it works or does not, in one screen.
import type { Command } from 'commander'
import { formatIp, parseIp } from '../src/core/address/index.ts'
import {
  type Explanation,
  type Part,
  explainAddress,
  explainService,
  parts,
  viewCluster,
} from '../src/core/explain/index.ts'
import { type Answer, type Cli, exitStatus, outputOption } from './cli.ts'
import { CannotAsk } from './connect.ts'
import { findingLines } from './findings.ts'
import type { Format, Paint } from './print.ts'
import { readCluster } from './read-cluster.ts'
import { unreadLines } from './unread.ts'

/** How Bellhop's programs are installed is a matter of `status`. */
const asked = parts.filter(
  (part) => !part.endsWith('configurations') && part !== 'deployments' && part !== 'daemonsets',
)

export function addExplain(program: Command, cli: Cli): void {
  const explain = program.command('explain').description('why a Service or an address works, or does not')
  explain
    .command('service <name>')
    .alias('svc')
    .description('from request to traffic, stage by stage, up to what is wrong, and what to do; exit status 1 if it is')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .allowExcessArguments(false)
    .action((name: string, { output }: { readonly output: Format }) =>
      cli.answer(output, async ({ client, namespace }) => {
        const key = name.includes('/') ? name : `${namespace}/${name}`
        const options = readOptions(cli, asked, key)
        const view = viewCluster(await readCluster(client, options))
        // Those that share an address are next hops by the endpoints of all of them.
        const isShared = view.services.get(key)?.ingress.some((ip) => (view.holders.get(formatIp(ip)) ?? []).length > 1)
        const whole =
          isShared === true ? viewCluster(await readCluster(client, { ...options, service: undefined })) : view
        return explainIn(whole, key)
      }),
    )
  explain
    .command('address <ip>')
    .alias('ip')
    .description('who has an address, or why nobody has it, or could; exit status 1 if it cannot be had')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .allowExcessArguments(false)
    .action((text: string, { output }: { readonly output: Format }, command: Command) => {
      const ip = parseIp(text)
      if (ip === undefined) command.error(`error: "${text}" is no IP address`, { exitCode: exitStatus.usage })
      return cli.answer(output, async ({ client }) => {
        const { systemNamespace } = cli.options()
        const view = viewCluster(await readCluster(client, { systemNamespace, wallMs: cli.wallMs, parts: asked }))
        const explanation = explainAddress(ip, view)
        const { verdict } = explanation
        return {
          data: explanation,
          lines: (paint) => explanationLines(explanation, paint),
          wrong: verdict === 'broken',
        }
      })
    })
}

function readOptions(cli: Cli, asked: readonly Part[], key: string) {
  const [namespace = '', name = ''] = key.split('/')
  const { systemNamespace } = cli.options()
  return { systemNamespace, wallMs: cli.wallMs, parts: asked, service: { namespace, name } }
}

function explainIn(view: ReturnType<typeof viewCluster>, key: string): Answer {
  const explanation = explainService(key, view)
  if (explanation === undefined) {
    const unread = view.cluster.unread.find(({ part }) => part === 'services')
    if (unread !== undefined) throw new CannotAsk(unread.why)
    const message = `There is no Service ${key}. (-n NAMESPACE names another namespace.)`
    return { data: { subject: `Service ${key}`, verdict: 'missing', message }, lines: () => [message], wrong: true }
  }
  const wrong = explanation.verdict === 'broken' || explanation.verdict === 'notOurs'
  return { data: explanation, lines: (paint) => explanationLines(explanation, paint), wrong }
}

export function explanationLines(explanation: Explanation, paint: Paint): readonly string[] {
  const { subject, verdict, headline, stages, reason, remedies, unread } = explanation
  const colour = verdict === 'works' ? paint.good : verdict === 'impaired' ? paint.warn : paint.bad
  return [
    `${paint.bold(subject)} ${colour(headline)}`,
    '',
    ...stages.flatMap((stage) => findingLines(stage, paint)),
    ...(reason === undefined ? [] : ['', `${paint.bold('Reason')}   ${reason}`]),
    ...(remedies.length === 0 ? [] : [reason === undefined ? '' : undefined].filter((line) => line !== undefined)),
    ...remedies.map(
      (line, at) => `${at > 0 ? '      ' : paint.bold(reason === undefined ? 'Next  ' : 'Remedy')}   ${line}`,
    ),
    ...unreadLines(unread, paint),
  ]
}
